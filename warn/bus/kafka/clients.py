"""The only place that makes aiokafka clients: all their settings, a limit on their start, and a way to let go of them.

A client of aiokafka whose brokers are gone may not stop (its producer waits for what it still has to send), or ends its
stop with a `CancelledError` that nobody sent (its consumer's fetches). So a client that is not wanted any more is handed
over here: it is stopped beside everything else, in the time that it gets, then its tasks and connections are taken from
it. One that survives even that is counted, and more than a few mean that this process has to be started anew.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Literal, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from warn.bus.kafka.config import KafkaConfig, security_arguments
from warn.bus.kafka.ending import CUT_S, STOP_S, AnyClient, end
from warn.bus.kafka.faults import fault
from warn.bus.kafka.topics import MAX_MESSAGE_BYTES
from warn.bus.watch import BusWatch

START_S: Final = 5.5
"""A worker gives `open` six seconds."""
MOST_STOPPING: Final = 256
MOST_LEAKED: Final = 3
"""More clients that would not end, and the process is `stuck`."""
BATCH_BYTES: Final = 512 * 1024
"""A batch is compressed in the loop's own turn: this much takes about two milliseconds."""
FETCH_BYTES: Final = 8 * 1024 * 1024
AHEAD_BYTES: Final = 256 * 1024
"""Read ahead of a partition, compressed; a batch that is larger comes all the same, alone."""

Client = TypeVar("Client", AIOKafkaProducer, AIOKafkaConsumer, AIOKafkaAdminClient)
Isolation = Literal["read_committed", "read_uncommitted"]


class Clients:
    """Makes clients of one cluster, and sees to their end. Belongs to one event loop."""

    def __init__(self, config: KafkaConfig, watch: BusWatch) -> None:
        self.config = config
        self._watch = watch
        self._alive: set[AnyClient] = set()
        self._stopping: set[asyncio.Task[None]] = set()
        self._leaked: set[asyncio.Task[None]] = set()
        self._beside: asyncio.Task[None] | None = None
        self.closed = False

    def producer(self, name: str, transactional_id: str | None = None) -> AIOKafkaProducer:
        """Not started. Without a transactional id each of its records is written once, but for itself."""
        return AIOKafkaProducer(
            **self._common(name),
            transactional_id=transactional_id,
            transaction_timeout_ms=self.config.transaction_timeout_ms,
            enable_idempotence=True,
            acks="all",
            compression_type="zstd",
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=MAX_MESSAGE_BYTES,
        )

    def consumer(
        self, name: str, isolation: Isolation = "read_committed", *, ahead: int = AHEAD_BYTES
    ) -> AIOKafkaConsumer:
        """Not started; in no group: what it reads is assigned to it, `ahead` bytes of each partition at a time."""
        reading = {**self._reading(isolation), "max_partition_fetch_bytes": ahead}
        return AIOKafkaConsumer(**self._common(name), **reading, group_id=None)

    def member(self, name: str, group: str, assignor: Any) -> AIOKafkaConsumer:
        """Not started; a member of a group that shares out partitions and reads nothing."""
        return AIOKafkaConsumer(
            **self._common(name),
            **self._reading("read_committed"),
            group_id=group,
            partition_assignment_strategy=(assignor,),
            session_timeout_ms=self.config.session_timeout_ms,
            heartbeat_interval_ms=self.config.heartbeat_ms,
            rebalance_timeout_ms=60_000,
            max_poll_interval_ms=900_000,
        )

    def admin(self, name: str) -> AIOKafkaAdminClient:
        """Not started."""
        return AIOKafkaAdminClient(**self._common(name))

    def _common(self, name: str) -> dict[str, Any]:
        return {
            "bootstrap_servers": list(self.config.bootstrap),
            "client_id": f"{self.config.prefix}.{name}",
            "request_timeout_ms": self.config.request_timeout_ms,
            "retry_backoff_ms": 100,
            "metadata_max_age_ms": 60_000,
            **security_arguments(self.config.security),
        }

    def _reading(self, isolation: Isolation) -> dict[str, Any]:
        return {
            "isolation_level": isolation,
            "enable_auto_commit": False,
            # A position that cannot be read is an error: any other setting goes on elsewhere in silence.
            "auto_offset_reset": "none",
            "max_partition_fetch_bytes": AHEAD_BYTES,
            "fetch_max_bytes": FETCH_BYTES,
        }

    async def start(self, client: Client, doing: str, within_s: float = START_S) -> Client:
        """Start a client, or let go of it. Raises what the port raises."""
        self._alive.add(client)
        if self.closed:
            self.let_go(client)
            raise RuntimeError("the bus is closed")
        try:
            async with asyncio.timeout(within_s):
                await client.start()
        except BaseException as e:
            self.let_go(client)
            if isinstance(e, Exception):
                raise fault(e, doing) from e
            raise
        return client

    def let_go(self, client: AnyClient) -> None:
        """Stop a client that `start` was called with, beside everything else. Never raises, never waits."""
        if client not in self._alive:
            return
        self._alive.discard(client)
        task = asyncio.create_task(end(client))  # noqa: TID251 - owned here, see the module's docstring
        task.add_done_callback(self._ended)
        self._stopping.add(task)
        if len(self._stopping) > MOST_STOPPING:
            self._overdue(task)
        else:
            asyncio.get_running_loop().call_later(STOP_S + CUT_S + 1.0, self._overdue, task)

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something small that nobody waits for, unless the last such thing is still being done."""
        if self._beside is not None and not self._beside.done():
            work.close()
            return
        self._beside = asyncio.create_task(work)  # noqa: TID251 - one at a time, owned here, ended by `close`

    @property
    def stuck(self) -> bool:
        """So many clients would not end that only a new process gets rid of them."""
        return len(self._leaked) > MOST_LEAKED

    async def close(self, within_s: float = STOP_S + CUT_S) -> None:
        """Let go of all that are still there, and wait until they have stopped. Never raises."""
        self.closed = True
        for client in set(self._alive):
            self.let_go(client)
        if self._beside is not None:
            self._beside.cancel()
            await asyncio.wait({self._beside}, timeout=1.0)
        if self._stopping:
            await asyncio.wait(set(self._stopping), timeout=within_s)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._stopping.discard(task)
        self._leaked.discard(task)
        if not task.cancelled():
            task.exception()

    def _overdue(self, task: asyncio.Task[None]) -> None:
        if not task.done() and task not in self._leaked:
            self._leaked.add(task)
            self._watch.bus_client_leaked(len(self._leaked))
