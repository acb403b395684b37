"""The file systems behind URLs: which extra brings each, and what their errors mean."""

from collections.abc import Callable, Mapping
from glob import has_magic
from typing import TYPE_CHECKING, Any, TypeVar

from evalsvc.dataset.place import Url
from evalsvc.errors import EvalsvcError, StorageFailed, UsageError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

T = TypeVar("T")

# scheme -> the extra that brings what reads it
EXTRAS = {"https": "http", "http": "http", "s3": "s3", "gs": "gs", "hf": "hf"}
_CREDENTIALS = {
    "s3": "Credentials come from the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; "
    "another S3-compatible server is AWS_ENDPOINT_URL. A public bucket: FSSPEC_S3_ANON=true.",
    "gs": "Credentials come from the environment: GOOGLE_APPLICATION_CREDENTIALS names a key file.",
    "hf": "The token of a private data set comes from the environment: HF_TOKEN.",
    "https": "Is the address complete, and a signed one not expired?",
}
ATTEMPTS = 6
FIRST_WAIT_S = 0.25  # doubled each time: about 8 s in all
_PASSING_STATUS = frozenset({408, 425, 429})
_GONE_STATUS = frozenset({404, 410})
_REFUSED_STATUS = frozenset({401, 403})
_NO_CREDENTIALS = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "LocalTokenNotFoundError", "GatedRepoError"}
)
_OF_STORAGE = ("aiohttp", "botocore", "aiobotocore", "gcsfs", "huggingface_hub", "requests", "httpx")
# How the stores call what changes with a file's content.
_VERSIONS = (
    "ETag",
    "etag",
    "generation",
    "md5Hash",
    "blob_id",
    "sha256",
    "Content-MD5",
    "Last-Modified",
    "LastModified",
    "mtime",
    "updated",
)


def file_system(url: Url) -> "AbstractFileSystem":
    """The file system of the URL, new and without a memory of earlier listings; UsageError naming the extra when it is not installed."""
    if url.scheme not in EXTRAS:
        known = ", ".join(f"{scheme}://" for scheme in EXTRAS)
        raise UsageError(f"{url}: evalsvc does not read {url.scheme}:// addresses", hint=f"It reads {known} and files of this machine.")
    if url.address.endswith("=***") or "=***&" in url.address:
        raise UsageError(f"{url}: the signature of this address was not kept", hint="Run with the config file that has it.")
    try:
        import fsspec

        options = _http_options() if url.is_http else {}
        made: AbstractFileSystem = fsspec.filesystem(url.scheme, skip_instance_cache=True, use_listings_cache=False, **options)
    except ImportError as error:
        extra = EXTRAS[url.scheme]
        raise UsageError(f"{url}: reading {url.scheme}:// needs the extra {extra!r}", hint=f"pip install 'evalsvc[{extra}]'") from error
    except Exception as error:
        raise translated(url, error) from _cause(url, error)
    return made


def _http_options() -> dict[str, Any]:
    from aiohttp import ClientTimeout

    # bytes as they are stored: nothing is to be compressed, or unpacked, on the way; a file may take hours, one read may not
    client = {
        "trust_env": True,
        "auto_decompress": False,
        "headers": {"Accept-Encoding": "identity"},
        "timeout": ClientTimeout(total=None, sock_connect=30, sock_read=60),
    }
    return {"client_kwargs": client}


def expand(url: Url) -> tuple[Url, ...]:
    """The files that a glob matches, sorted; over HTTP, where nothing can be listed, the URL itself."""
    if url.is_http or not has_magic(url.address):
        return (url,)
    files = file_system(url)
    found = patiently(url, lambda: files.glob(url.address))
    if not found:
        raise UsageError(f"`dataset.path`: no file matches {url}", hint=_CREDENTIALS.get(url.scheme, ""))
    return tuple(Url(f"{url.scheme}://{name}") for name in sorted(found))


def version_of(info: Mapping[str, Any]) -> str:
    """What changes when the file does, as far as the store tells."""
    return " ".join(f"{key}={info[key]}" for key in _VERSIONS if info.get(key))


def patiently(url: Url, work: Callable[[], T], *, sleep: Callable[[float], None] | None = None) -> T:
    """What `work` gives, tried again while its errors may pass; then UsageError, or StorageFailed when another day may do."""
    from time import sleep as really_sleep

    for attempt in range(1, ATTEMPTS + 1):
        try:
            return work()
        except EvalsvcError:
            raise
        except Exception as error:
            reason = _really(error)
            if not is_of_storage(reason):
                raise
            if attempt == ATTEMPTS or not may_pass(reason):
                raise translated(url, reason) from _cause(url, error)
        (sleep or really_sleep)(FIRST_WAIT_S * 2 ** (attempt - 1))
    raise AssertionError("unreachable")


def _really(error: Exception) -> Exception:
    """fsspec calls everything that an HTTP server answers or does not answer a missing file; the cause knows better."""
    cause = error.__cause__
    return cause if isinstance(error, FileNotFoundError) and isinstance(cause, Exception) and is_of_storage(cause) else error


def is_of_storage(error: Exception) -> bool:
    """Whether the error is about the file or the network; all others are bugs."""
    return isinstance(error, OSError | EOFError) or type(error).__module__.partition(".")[0] in _OF_STORAGE


def may_pass(error: Exception) -> bool:
    """Whether the same request may succeed in a moment.

    >>> may_pass(ConnectionResetError()), may_pass(FileNotFoundError())
    (True, False)
    """
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError) or _lacks_credentials(error) or _has_expired(error):
        return False
    status = _status(error)
    return status is None or status >= 500 or status in _PASSING_STATUS


def translated(url: Url, error: Exception) -> EvalsvcError:
    """The error in our words, none of which is a secret of the URL's."""
    status = _status(error)
    said = f"HTTP {status}" if status else _said(url, error)
    if isinstance(error, FileNotFoundError | IsADirectoryError) or status in _GONE_STATUS:
        return UsageError(f"`dataset.path`: there is no file {url}", hint="Look whether the address is right and complete.")
    if isinstance(error, PermissionError) or status in _REFUSED_STATUS or _lacks_credentials(error):
        return UsageError(f"{url}: access denied ({said})", hint=_CREDENTIALS.get(url.scheme, _CREDENTIALS["https"]))
    if _has_expired(error):
        return UsageError(f"{url} changed while it was being read", hint="Run the same command again once nothing writes to it.")
    if not may_pass(error):
        return UsageError(
            f"{url}: cannot be read: {f'HTTP {status}' if status else _said(url, error)}", hint="Look whether the address is right."
        )
    said = f"HTTP {status}" if status else _said(url, error)
    return StorageFailed(f"{url}: cannot be read, after {ATTEMPTS} attempts: {said}", hint="Run the same command again.")


def _status(error: BaseException) -> int | None:
    """The HTTP status behind the error, wherever its library keeps it."""
    response = getattr(error, "response", None)
    kept = (
        response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(response, dict) else getattr(response, "status_code", None)
    )
    status = getattr(error, "status", None) or kept
    if status is None and error.__cause__ is not None:
        return _status(error.__cause__)
    return status if isinstance(status, int) else None


def _lacks_credentials(error: Exception) -> bool:
    return type(error).__name__ in _NO_CREDENTIALS


def _has_expired(error: Exception) -> bool:
    return type(error).__name__ == "FileExpired"  # s3fs: another ETag than when it was opened


def _said(url: Url, error: Exception) -> str:
    """The library's own words, unless they may repeat an address with secrets in it."""
    text = "" if url.holds_secrets else " ".join(str(error).split())[:200]
    return text or type(error).__name__


def _cause(url: Url, error: Exception) -> Exception | None:
    """The error behind ours, unless a traceback would show the secrets of the URL."""
    return None if url.holds_secrets else error
