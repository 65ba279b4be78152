"""The loop workloads of workloads/loop.ts on CPython: asyncio's own loop or uvloop (argument 1).

Reads `workload count` lines, answers each with a JSON line: nanoseconds (or bytes) for each operation.
"""

import asyncio
import gc
import json
import resource
import sys
import time
from asyncio import CancelledError, Lock, Queue, create_task, gather, get_running_loop, sleep

if sys.argv[1] == "uvloop":
    import uvloop

    new_event_loop = uvloop.new_event_loop
else:
    new_event_loop = asyncio.new_event_loop


async def switch(count, tasks):
    async def spinner():
        for _ in range(count // tasks):
            await sleep(0)

    await gather(*[create_task(spinner()) for _ in range(tasks)])


async def switch1(count):
    for _ in range(count):
        await sleep(0)


async def switch100(count):
    await switch(count, 100)


async def create(count):
    async def nothing():
        pass

    for _ in range(count):
        await create_task(nothing())


async def done_future(count):
    future = get_running_loop().create_future()
    future.set_result(1)
    for _ in range(count):
        await future


async def cancel(count):
    loop = get_running_loop()

    async def wait_for_ever():
        await loop.create_future()

    for _ in range(count):
        task = create_task(wait_for_ever())
        await sleep(0)
        task.cancel()
        try:
            await task
        except CancelledError:
            pass


async def gather_all(count):
    async def one():
        return 1

    results = await gather(*[one() for _ in range(count)])
    assert sum(results) == count


async def lock(count):
    lock = Lock()

    async def user():
        for _ in range(count // 2):
            await lock.acquire()
            try:
                await sleep(0)
            finally:
                lock.release()

    await gather(create_task(user()), create_task(user()))


async def queue(count):
    queue = Queue(1)

    async def producer():
        for item in range(count):
            await queue.put(item)

    async def consumer():
        for item in range(count):
            assert await queue.get() == item

    await gather(create_task(producer()), create_task(consumer()))


async def sleeps(count):
    """Spread so that a thousand fall due each millisecond: one microsecond of each figure is the waiting."""

    async def sleeper(index):
        await sleep(index * 7919 % count / 1_000_000)

    await gather(*[create_task(sleeper(index)) for index in range(count)])


async def tasks(count):
    async def one():
        await sleep(0)

    for task in [create_task(one()) for _ in range(count)]:
        await task


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


async def memory(count):
    async def sleeper():
        await sleep(3600)

    gc.collect()
    before = resident()
    sleepers = [create_task(sleeper()) for _ in range(count)]
    await sleep(0)
    gc.collect()
    after = resident()
    for task in sleepers:
        task.cancel()
    await gather(*sleepers, return_exceptions=True)
    return (after - before) / count


WORKLOADS = {
    "switch1": switch1,
    "switch100": switch100,
    "create": create,
    "doneFuture": done_future,
    "cancel": cancel,
    "gatherAll": gather_all,
    "lock": lock,
    "queue": queue,
    "sleeps": sleeps,
    "tasks": tasks,
    "memory": memory,
}

for line in sys.stdin:
    name, count = line.split()
    loop = new_event_loop()
    asyncio.set_event_loop(loop)
    start = time.perf_counter_ns()
    result = loop.run_until_complete(WORKLOADS[name](int(count)))
    elapsed = time.perf_counter_ns() - start
    loop.close()
    print(json.dumps(elapsed / int(count) if result is None else result), flush=True)
