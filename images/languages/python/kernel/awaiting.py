"""Runs the coroutine of a cell that awaits at its top level. All cells have one event loop, so a task that a cell has
started goes on whenever a later cell awaits."""
import asyncio
import contextlib
import selectors
import signal

loop = None


def current_loop():
    global loop
    if loop is None or loop.is_closed():
        loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


def run(coroutine):
    """What the coroutine returns. An interrupt while it runs is a KeyboardInterrupt in there. While the loop waits, the
    interrupt cancels the cell's task, and the exception is one of the line that awaits."""
    try:
        mine = current_loop()
        task = mine.create_task(coroutine)
    except BaseException:
        coroutine.close()
        raise
    is_interrupted = False

    def interrupt(_, frame):
        nonlocal is_interrupted
        if frame is None or frame.f_code.co_filename != selectors.__file__:
            raise KeyboardInterrupt
        is_interrupted = True
        task.cancel()
        mine.call_soon_threadsafe(lambda: None)

    signal.signal(signal.SIGINT, interrupt)
    try:
        return mine.run_until_complete(task)
    except asyncio.CancelledError as cancelled:
        if not is_interrupted:
            raise
        raise KeyboardInterrupt().with_traceback(cancelled.__traceback__) from None
    except (KeyboardInterrupt, SystemExit):
        if not task.done():
            task.cancel()
            with contextlib.suppress(BaseException):
                mine.run_until_complete(task)
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
