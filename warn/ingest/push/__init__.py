"""What others send us: whether it is genuine, what it says, and on what terms it comes in. All of it is pure."""
