"""A function to tune. Its calls take as long as its memory size says, and it writes its own report, as AWS does."""

import math
import time

DURATIONS_MS = {128: 2000, 256: 900, 512: 400, 1024: 230, 3008: 200}


def handler(event, context):
    if isinstance(event, dict):
        time.sleep(event.get("sleepS", 0))
    memory = int(context.memory_limit_in_mb)
    took = DURATIONS_MS[memory]
    print(
        f"REPORT RequestId: {context.aws_request_id}\tDuration: {took:.2f} ms\tBilled Duration: {math.ceil(took)} ms"
        f"\tMemory Size: {memory} MB\tMax Memory Used: 40 MB\t",
        flush=True,
    )
    return event
