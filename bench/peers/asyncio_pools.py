"""asyncio's executors: `thread` or `process` (argument 1) with so many workers (argument 2).

Reads `question numbers...` lines, answers each with a JSON line.
"""

import asyncio
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

EXECUTORS = {"thread": ThreadPoolExecutor, "process": ProcessPoolExecutor}


def noop(value):
    return value


def work(iterations):
    result = 1
    for i in range(iterations):
        result = (result ^ i) * 2654435761 & 0xFFFFFFFF
    return result


def iterations_for(milliseconds):
    """As many iterations as take so long here, found by doubling."""
    count = 100
    while True:
        start = time.perf_counter()
        work(count)
        elapsed = (time.perf_counter() - start) * 1000
        if elapsed >= 5:
            return max(1, round(count * milliseconds / elapsed))
        count *= 2


def submit(executor, function, argument):
    return asyncio.get_running_loop().run_in_executor(executor, function, argument)


async def roundtrip(executor, count):
    """Microseconds for each empty job, all in flight at once."""
    start = time.perf_counter()
    results = await asyncio.gather(*[submit(executor, noop, i) for i in range(count)])
    elapsed = time.perf_counter() - start
    assert results == list(range(count))
    return elapsed * 1e6 / count


async def latency(executor, count, pause):
    """The median of one call at a time, in microseconds, after a pause of so many milliseconds."""
    taken = []
    for index in range(count):
        if pause:
            await asyncio.sleep(pause / 1000)
        start = time.perf_counter()
        assert await submit(executor, noop, index) == index
        taken.append((time.perf_counter() - start) * 1e6)
    return sorted(taken)[count // 2]


async def scaling(executor, jobs, milliseconds):
    """How many times faster than the same work on the loop."""
    iterations = iterations_for(milliseconds)
    start = time.perf_counter()
    expected = [work(iterations) for _ in range(jobs)]
    alone = time.perf_counter() - start
    start = time.perf_counter()
    results = await asyncio.gather(*[submit(executor, work, iterations) for _ in range(jobs)])
    elapsed = time.perf_counter() - start
    assert results == expected
    return alone / elapsed


async def cold(_executor, workers):
    """Milliseconds from making the executor to its first result."""
    start = time.perf_counter()
    with EXECUTORS[sys.argv[1]](int(workers)) as executor:
        assert await submit(executor, noop, 1) == 1
        return (time.perf_counter() - start) * 1000


QUESTIONS = {"roundtrip": roundtrip, "latency": latency, "scaling": scaling, "cold": cold}


async def main(line, executor):
    name, *numbers = line.split()
    return await QUESTIONS[name](executor, *[float(n) if "." in n else int(n) for n in numbers])


if __name__ == "__main__":
    with EXECUTORS[sys.argv[1]](int(sys.argv[2])) as executor:
        for line in sys.stdin:
            print(json.dumps(asyncio.run(main(line, executor))), flush=True)
