"""Retries where a retry can help: what fails for a moment, such as a network share, is tried again.

What would fail the same way again (rights, a full disk, a file that is no extract) fails at once, in words.
"""

import errno

import dagster as dg

_LASTING = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.ENAMETOOLONG,
}


def may_pass(error: OSError) -> bool:
    """Whether what the system refused may go well a moment later."""
    return error.errno not in _LASTING


def retry_or_fail(
    context: dg.AssetExecutionContext, said: str, *, retries: int, wait_seconds: int
) -> dg.RetryRequested | dg.Failure:
    """What to raise: another try while there are some left, then a failure that says ``said``."""
    if context.retry_number < retries:
        context.log.warning(f"{said}; trying again in {wait_seconds} seconds")
        return dg.RetryRequested(retries, wait_seconds)
    return dg.Failure(said, allow_retries=False)
