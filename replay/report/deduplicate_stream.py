#!/usr/bin/env python3
"""Write the output of a stream processor again without its duplicate rows.

usage: deduplicate_stream.py IN OUT [--keep RULE] [--key COLUMN,...]

    python3 deduplicate_stream.py final_output.csv deduplicated_output.csv
    python3 deduplicate_stream.py final_output.csv clean.csv --keep median
    python3 deduplicate_stream.py final_output.csv clean.csv --key symbol,timestamp,price

IN is a CSV file with the columns symbol, timestamp and price, in any order,
with any others beside them. Rows with equal key values are one group, and one
row of each group is kept:

    last      the one furthest down the file: the last one processed (default)
    first     the one furthest up
    lowest    the one with the lowest price; of equals the last
    highest   the one with the highest price; of equals the last
    median    the one with the (lower) middle price; no price is invented
    mean      the last one, its price replaced by the exact mean of the group,
              rounded half to even at two decimals more than its prices have

Values are compared, not their spelling: 09:15:00Z and 09:15:00.000+00:00 are
one instant, 1.5 and 1.50 are one price. Nothing passes through floating point:
times are whole nanoseconds, prices are whole billionths.

A row that cannot be read (no symbol, no time, no number for a price, too few
fields) is rejected: named on standard error, counted, and not written. Kept
lines are written byte for byte, in their order, each ended by a line feed; a
byte order mark is dropped. The last line printed accounts for every row:

    rows in 70250 = kept 70242 + removed 8 + rejected 0

Keys are a guess. Two different events may share a symbol and a timestamp, and
then keeping one row loses the other event; a copy that carries another
timestamp has another key, and stays. When the prices of a group lie more than
1 % apart, a warning says that it looks like two events.

IN may be gzipped and OUT may end in .gz; "-" is standard input or output.
OUT appears complete or not at all.

Exit status: 0 done, 2 wrong usage, 3 IN cannot be used, 4 OUT cannot be
written, 130 interrupted.

The input is held in memory once. Python 3.8 or later, standard library only.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import os
import re
import stat
import sys
import tempfile
import zlib
from array import array
from typing import BinaryIO, Iterator, NamedTuple

KEEP_RULES = ("first", "last", "lowest", "highest", "median", "mean")
NEEDED = ("symbol", "timestamp", "price")

DECIMALS = 9  # of a price: units of 10^-9
PRICE_UNITS = 10**DECIMALS
PRICE_LIMIT = 2**63 - 1
NANOS = 10**9  # in a second
FIELD_LIMIT = 1 << 20  # bytes; a longer field is a lost quote, not a field
RECORD_LIMIT = 4 << 20
MISSING = {b"", b"null", b"none", b"nan", b"nat", b"n/a", b"na", b"\\n", b"-"}
BLANKS = b" \t\n\v\f\r"
LINE_END = re.compile(rb"\r\n|\n|\r")


class Unusable(Exception):
    """The input as a whole cannot be used: exit status 3."""


class Rejected(Exception):
    """One row cannot be used. The text is the reason: a slug and what was found."""


# --- Reading -----------------------------------------------------------------


def read_input(path: str) -> bytes:
    """Return the content of path, unpacked, without a byte order mark."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                data = file.read()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise Unusable(f"{path}: cannot be read: {error}") from error
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        raise Unusable(f"{path}: zstd is not in Python's standard library; unpack the file with: zstd -d")
    for mark, name in ((b"\xff\xfe", "UTF-16 or UTF-32"), (b"\xfe\xff", "UTF-16"), (b"\0\0\xfe\xff", "UTF-32")):
        if data.startswith(mark):
            raise Unusable(f"{path}: is {name}, not UTF-8; convert it with: iconv -f {name[:6]} -t UTF-8")
    return data[3:] if data.startswith(b"\xef\xbb\xbf") else data


class Record(NamedTuple):
    """A record as it stands in the file, without its line end."""

    raw: bytes
    fields: list[bytes] | None  # without quotes; None: the quotes do not pair up
    line: int  # where it begins, 1-based
    ended: bool  # by a line end rather than by the end of the file


class Splitter:
    """Splits CSV at LF, CRLF and lone CR, except within quoted fields.

    Only a quote at the start of a field opens it. Where quotes do not pair up
    (text after a closing quote, no closing quote, a record of several lines
    that has not the wanted number of fields), the first line alone is given up,
    so that a stray quote costs one line and not the rest of the file.
    """

    def __init__(self, delimiter: bytes, width: int | None = None) -> None:
        self.delimiter, self.width = delimiter, width
        ends = re.escape(delimiter) + rb"\r\n"
        self.field = re.compile(rb'"[^"]*(?:""[^"]*)*"(?=[%b]|\Z)|(?!")[^%b]*' % (ends, ends))

    def records(self, data: bytes) -> Iterator[Record]:
        at, line = 0, 1
        while at < len(data):
            found = LINE_END.search(data, at)
            end = found.start() if found else len(data)
            if data.find(b'"', at, end) < 0:
                fields = data[at:end].split(self.delimiter)
            else:
                spans = self.spans(data, at)
                fields = spans and [unquote(data[slice(*span)]) for span in spans]
                end = spans[-1][1] if spans else end
            ending = LINE_END.match(data, end)
            yield Record(data[at:end], fields, line, ending is not None)
            line += 1 + len(LINE_END.findall(data, at, end))
            at = ending.end() if ending else end

    def spans(self, data: bytes, at: int) -> list[tuple[int, int]] | None:
        """Find the fields of the record at data[at:], quotes included."""
        spans: list[tuple[int, int]] = []
        start, lines = at, False
        while True:
            match = self.field.match(data, at, at + FIELD_LIMIT + 3)
            if not match or match.end() - at > FIELD_LIMIT + 2 or at - start > RECORD_LIMIT:
                return None
            spans.append(match.span())
            lines = lines or LINE_END.search(data, *match.span()) is not None
            at = match.end() + 1
            more = data[at - 1 : at] == self.delimiter
            if lines and self.width and (len(spans) == self.width if more else len(spans) != self.width):
                return None
            if not more:
                return spans


def unquote(field: bytes) -> bytes:
    """Take the quotes off a quoted field."""
    return field[1:-1].replace(b'""', b'"') if field.startswith(b'"') else field


# --- The header --------------------------------------------------------------


class Columns(NamedTuple):
    """Which column is which. Positions are 0-based."""

    delimiter: bytes
    count: int
    symbol: int
    timestamp: int
    price: int
    key: list[int]


def find_header(data: bytes) -> tuple[Record, bytes]:
    """Return the first record that is neither blank nor a comment, and its delimiter."""
    for record in Splitter(b",").records(data):
        delimiter = find_delimiter(record.raw)
        comment = record.raw.startswith(b"#") and not set(NEEDED) <= set(column_names(record.raw, delimiter))
        if not comment and not is_blank(record.raw):
            return record, delimiter
    return Record(",".join(NEEDED).encode(), None, sys.maxsize, True), b","


def find_delimiter(header: bytes) -> bytes:
    """Return the delimiter that finds most of the needed columns, or else most columns."""

    def found(delimiter: bytes) -> tuple[int, int]:
        names = column_names(header, delimiter)
        return len(set(NEEDED) & set(names)), len(names)

    return max((b",", b";", b"\t"), key=found)


def column_names(header: bytes, delimiter: bytes) -> list[str]:
    """Return the names in a header, without outer blanks and in one case."""
    record = next(Splitter(delimiter).records(header), None)
    return [name.decode("utf-8", "replace").strip().casefold() for name in record.fields or []] if record else []


def is_blank(raw: bytes, delimiter: bytes = b"") -> bool:
    """Tell whether a line is spaces and tabs, unless they delimit fields."""
    return not raw.strip(b" " if delimiter == b"\t" else b" \t")


def read_header(record: Record, delimiter: bytes, path: str, key: list[str]) -> Columns:
    """Find the needed columns and those of the key."""
    names = column_names(record.raw, delimiter)
    at = {}
    for name in dict.fromkeys([*NEEDED, *key]):
        if names.count(name) != 1:
            what = "no column" if name not in names else "more than one column"
            found = ", ".join(show(other.encode()) for other in names[:10])
            raise Unusable(f"{path}: {what} named {name}; the header has {found}")
        at[name] = names.index(name)
    return Columns(delimiter, len(names), *(at[name] for name in NEEDED), [at[name] for name in key])


# --- Values ------------------------------------------------------------------

CALENDAR_TIME = re.compile(
    rb"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)?"
)
EPOCH_TIME = re.compile(rb"(\d{10}|\d{13}|\d{16}|\d{19})|(\d{10})\.(\d+)")
EPOCH_UNITS = {10: NANOS, 13: 10**6, 16: 10**3, 19: 1}  # digits: nanoseconds in one
DECIMAL = re.compile(rb"([+-]?)(\d*)(?:\.(\d*))?(?:[Ee]([+-]?\d+))?")

EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
FIRST_SECOND = (datetime.date(1678, 1, 1).toordinal() - EPOCH_DAY) * 86400
LAST_SECOND = (datetime.date(2262, 1, 1).toordinal() - EPOCH_DAY) * 86400 - 1


def parse_calendar_time(text: bytes) -> int:
    """Return nanoseconds since 1970. A time without a zone is taken as UTC."""
    match = CALENDAR_TIME.fullmatch(text)
    if not match:
        raise Rejected(f"bad-time {show(text)}")
    year, month, day, hour, minute, second = (int(part) for part in match.group(1, 2, 3, 4, 5, 6))
    fraction = nanos_of(match.group(7))
    if second == 60:  # a leap second: the last instant before the next minute
        second, fraction = 59, NANOS - 1
    zone_hours, zone_minutes = int(match.group(10) or 0), int(match.group(11) or 0)
    try:
        days = datetime.date(max(year, 1), month, day).toordinal() - EPOCH_DAY
        datetime.time(hour, minute, second)
        datetime.time(zone_hours, zone_minutes)
    except ValueError:
        raise Rejected(f"bad-time {show(text)}") from None
    seconds = days * 86400 + hour * 3600 + minute * 60 + second
    east = zone_hours * 3600 + zone_minutes * 60
    seconds += east if match.group(9) == b"-" else -east
    if not FIRST_SECOND <= seconds <= LAST_SECOND:
        raise Rejected(f"time-range {show(text)} is outside 1678 to 2261")
    return seconds * NANOS + fraction


def nanos_of(fraction: bytes | None) -> int:
    """Return the digits after the point of a second, cut after the ninth."""
    return int((fraction or b"0")[:9].ljust(9, b"0"))


class TimeColumn:
    """Reads the timestamp column, which has one unit if it holds numbers."""

    def __init__(self) -> None:
        self.unit = 0  # nanoseconds of an epoch number; 0: none seen yet

    def parse(self, text: bytes) -> int:
        match = EPOCH_TIME.fullmatch(text)
        if not match:
            return parse_calendar_time(text)
        whole, fraction = match.group(1) or match.group(2), match.group(3)
        unit = EPOCH_UNITS[len(whole)]
        if self.unit not in (0, unit):
            raise Unusable(f"timestamps count in more than one unit, for example {show(text)}")
        self.unit = unit
        nanos = int(whole) * unit + nanos_of(fraction)
        if not FIRST_SECOND <= nanos // NANOS <= LAST_SECOND:
            raise Rejected(f"time-range {show(text)} is outside 1678 to 2261")
        return nanos


def parse_price(text: bytes) -> int:
    """Return an exact decimal in units of 10^-9."""
    match = DECIMAL.fullmatch(text)
    if not match or not (match.group(2) or match.group(3)):
        hint = " (drop the grouping commas)" if b"," in text else ""
        raise Rejected(f"bad-price {show(text)}{hint}")
    whole, fraction = match.group(2), match.group(3) or b""
    digits = (whole + fraction).strip(b"0")
    if not digits:
        return 0
    trailing = len(whole + fraction) - len((whole + fraction).rstrip(b"0"))
    shift = exponent_of(match.group(4) or b"0") - len(fraction) + trailing + DECIMALS
    if shift < 0:
        raise Rejected(f"price-precision {show(text)} has more than nine decimals")
    if len(digits) + shift > 19 or int(digits) * 10**shift > PRICE_LIMIT:
        raise Rejected(f"price-range {show(text)}")
    return int(digits) * 10**shift * (-1 if match.group(1) == b"-" else 1)


def exponent_of(text: bytes) -> int:
    """Read an exponent; one of many digits becomes one that is great enough."""
    digits = text.lstrip(b"+-0")
    value = int(digits or b"0") if len(digits) < 10 else 10**10
    return -value if text.startswith(b"-") else value


def format_price(units: int) -> bytes:
    """Return the shortest exact decimal."""
    whole, fraction = divmod(abs(units), PRICE_UNITS)
    text = f"{'-' if units < 0 else ''}{whole}.{fraction:09}".rstrip("0").rstrip(".")
    return text.encode()


def decimals(units: int) -> int:
    """Count the digits that a price needs after the point."""
    count = DECIMALS
    while count > 0 and units % 10 == 0:
        units, count = units // 10, count - 1
    return count


def show(text: bytes) -> str:
    """Quote a value for a message, whatever bytes it holds."""
    return ascii(text[:60].decode("utf-8", "replace"))


# --- Rows --------------------------------------------------------------------


class Row(NamedTuple):
    """What the rules look at."""

    key: tuple
    price: int


def read_row(record: Record, columns: Columns, times: TimeColumn) -> Row:
    """Read the values of a record, or say by Rejected why it has none."""
    fields = record.fields
    if fields is None:
        raise Rejected("bad-text: quotes that do not pair up")
    if len(fields) != columns.count:
        if not record.ended:
            raise Rejected("truncated-tail: the file ends within the record")
        raise Rejected(f"field-count {len(fields)}, expected {columns.count}")
    if max(map(len, fields)) > FIELD_LIMIT:
        raise Rejected("field-size: more than 1 MiB")
    for position in {columns.symbol, columns.timestamp, columns.price, *columns.key}:
        check_text(fields[position])
    for name, position in (("symbol", columns.symbol), ("timestamp", columns.timestamp)):
        if fields[position].strip(BLANKS).lower() in MISSING:
            raise Rejected(f"missing-field: no {name}")
    values: list = list(fields)
    values[columns.timestamp] = times.parse(fields[columns.timestamp].strip(BLANKS))
    values[columns.price] = parse_price(fields[columns.price].strip(BLANKS))
    return Row(tuple(values[position] for position in columns.key), values[columns.price])


def check_text(field: bytes) -> None:
    """Reject what is not text."""
    if b"\0" in field:
        raise Rejected("bad-text: a NUL byte")
    try:
        field.decode()
    except UnicodeDecodeError:
        raise Rejected("bad-text: not UTF-8") from None


# --- Deciding ----------------------------------------------------------------

REJECTED = -1


class Groups:
    """All records of the file by their key, in a few bytes each."""

    def __init__(self) -> None:
        self.of_key: dict[tuple, int] = {}
        self.of_record = array("q")  # the group of each record, or REJECTED
        self.prices = array("q")
        self.sizes = array("q")  # of each group

    def add(self, row: Row | None) -> None:
        """Take the next record of the file; None if it was rejected."""
        if row is None:
            self.of_record.append(REJECTED)
            self.prices.append(0)
            return
        group = self.of_key.setdefault(row.key, len(self.sizes))
        if group == len(self.sizes):
            self.sizes.append(0)
        self.sizes[group] += 1
        self.of_record.append(group)
        self.prices.append(row.price)

    def repeated(self) -> Iterator[list[Member]]:
        """Return the groups of more than one row, rows in file order."""
        members: dict[int, list[Member]] = {}
        for record, group in enumerate(self.of_record):
            if group != REJECTED and self.sizes[group] > 1:
                members.setdefault(group, []).append(Member(record, self.prices[record]))
        return iter(members.values())


class Member(NamedTuple):
    """A row of a group."""

    record: int  # 0-based position in the file
    price: int


class Decisions(NamedTuple):
    """What becomes of the records that do not simply stay."""

    removed: set[int]
    rewritten: dict[int, int]  # record: its new price
    suspected: int  # groups that look like different events
    groups: int


def decide(groups: Groups, keep: str) -> Decisions:
    """Choose the row of each group that stays."""
    removed, rewritten, suspected, count = set(), {}, 0, 0
    for members in groups.repeated():
        count += 1
        suspected += looks_like_two_events(members)
        kept = choose(members, keep)
        removed.update(member.record for member in members if member.record != kept.record)
        if keep == "mean":
            mean = exact_mean([member.price for member in members])
            if mean != kept.price:
                rewritten[kept.record] = mean
    return Decisions(removed, rewritten, suspected, count)


def choose(members: list[Member], keep: str) -> Member:
    """Resolve the entries of one group to the one that stays."""
    if keep == "first":
        return members[0]
    if keep == "lowest":
        return min(reversed(members), key=lambda member: member.price)
    if keep == "highest":
        return max(reversed(members), key=lambda member: member.price)
    if keep == "median":
        return sorted(members, key=lambda member: member.price)[(len(members) - 1) // 2]
    return members[-1]  # last, and mean


def exact_mean(prices: list[int]) -> int:
    """Round the mean half to even at two decimals more than the prices have."""
    places = min(max(map(decimals, prices)) + 2, DECIMALS)
    unit = 10 ** (DECIMALS - places)
    quotient, rest = divmod(sum(prices), len(prices) * unit)
    twice = 2 * rest - len(prices) * unit
    if twice > 0 or (twice == 0 and quotient % 2 == 1):
        quotient += 1
    return quotient * unit


def looks_like_two_events(members: list[Member]) -> bool:
    """Tell whether the prices lie more than 1 % of the lowest apart."""
    prices = [member.price for member in members]
    return (max(prices) - min(prices)) * 100 > abs(min(prices))


# --- Writing -----------------------------------------------------------------


def write_output(path: str, pieces: Iterator[bytes]) -> None:
    """Write the pieces to path: all of them, or nothing."""
    if path == "-":
        sys.stdout.buffer.writelines(pieces)
        sys.stdout.buffer.flush()
        return
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe or a device
        with open(path, "wb") as file:
            write_pieces(file, pieces, path.endswith(".gz"))
        return
    target = os.path.realpath(path)
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(target), prefix=".deduplicate-", delete=False) as file:
        try:
            write_pieces(file, pieces, path.endswith(".gz"))
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, permissions(target))
            os.replace(file.name, target)
        except BaseException:
            os.unlink(file.name)
            raise


def permissions(path: str) -> int:
    """Return the permissions of a file, or those that a new one would get."""
    if os.path.exists(path):
        return stat.S_IMODE(os.stat(path).st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def write_pieces(file: BinaryIO, pieces: Iterator[bytes], packed: bool) -> None:
    """Write the pieces, gzipped the same way on every run if packed."""
    if not packed:
        file.writelines(pieces)
        return
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packer:
        for piece in pieces:
            packer.write(piece)


def with_price(raw: bytes, columns: Columns, price: int) -> bytes:
    """Replace the price of a record and leave everything else as it is."""
    start, end = Splitter(columns.delimiter).spans(raw, 0)[columns.price]
    return raw[:start] + format_price(price) + raw[end:]


# --- From file to file --------------------------------------------------------

SHOWN = 10  # rejected rows named one by one


class Reader:
    """Goes over the records of the input, as often as it is asked to."""

    def __init__(self, path: str, data: bytes, key: list[str]) -> None:
        self.path, self.data = path, data
        header, delimiter = find_header(data)
        self.header, self.header_line = header.raw, header.line
        self.columns = read_header(header, delimiter, path, key)

    def records(self) -> Iterator[Record]:
        """Return the data records: no blank lines, no header, no comments."""
        for record in Splitter(self.columns.delimiter, self.columns.count).records(self.data):
            if record.line > self.header_line and not self.is_skipped(record):
                yield record

    def is_skipped(self, record: Record) -> bool:
        """A line beginning with # is a comment unless it has as many fields as the header."""
        if record.raw.startswith(b"#"):
            return len(record.fields or []) != self.columns.count
        return is_blank(record.raw, self.columns.delimiter)

    def group(self) -> Groups:
        """Read every row into its group, and name those that cannot be read."""
        groups, times, rejected = Groups(), TimeColumn(), 0
        for record in self.records():
            try:
                groups.add(read_row(record, self.columns, times))
            except Rejected as reason:
                groups.add(None)
                rejected += 1
                if rejected <= SHOWN:
                    warn(f"{self.path}:{record.line}: rejected: {reason}")
            except Unusable as error:
                raise Unusable(f"{self.path}:{record.line}: {error}") from None
        if rejected > SHOWN:
            warn(f"{self.path}: {rejected - SHOWN} more rows rejected")
        if rejected > 100 and rejected * 100 > len(groups.of_record):
            raise Unusable(f"{self.path}: {rejected} of {len(groups.of_record)} rows rejected; is this the right file?")
        return groups

    def output(self, groups: Groups, decisions: Decisions) -> Iterator[bytes]:
        """Return the header and every row that stays, as they were read."""
        yield self.header + b"\n"
        for number, record in enumerate(self.records()):
            if groups.of_record[number] == REJECTED or number in decisions.removed:
                continue
            raw = record.raw
            if number in decisions.rewritten:
                raw = with_price(raw, self.columns, decisions.rewritten[number])
            yield raw + b"\n"


def deduplicate(options: argparse.Namespace) -> str:
    """Do what the options say and return the line that accounts for every row."""
    reader = Reader(options.input, read_input(options.input), options.key)
    groups = reader.group()
    decisions = decide(groups, options.keep)
    if decisions.suspected:
        warn(
            f"groups that look like different events, with prices more than 1 % apart: {decisions.suspected} of "
            f"{decisions.groups}; keeping one row loses the other event: consider --key symbol,timestamp,price"
        )
    if decisions.rewritten:
        warn(f"prices replaced by the mean of their group, which no source ever sent: {len(decisions.rewritten)}")
    write_output(options.output, reader.output(groups, decisions))
    rows, removed, rejected = len(groups.of_record), len(decisions.removed), groups.of_record.count(REJECTED)
    return f"rows in {rows} = kept {rows - removed - rejected} + removed {removed} + rejected {rejected}"


# --- The command -------------------------------------------------------------


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="deduplicate_stream.py",
        description="Write a CSV file again without its duplicate rows.",
    )
    parser.add_argument("input", metavar="IN", help='CSV with symbol, timestamp and price; "-" is standard input')
    parser.add_argument("output", metavar="OUT", help='the clean CSV; "-" is standard output')
    parser.add_argument("--keep", choices=KEEP_RULES, default="last", help="which row of a group stays (default: last)")
    parser.add_argument(
        "--key",
        default="symbol,timestamp",
        metavar="COLUMN,...",
        help="columns whose equal values make a group (default: symbol,timestamp)",
    )
    options = parser.parse_args(arguments)
    options.key = [name.strip().casefold() for name in options.key.split(",")]
    if "" in options.key or len(set(options.key)) != len(options.key):
        parser.error("--key needs the names of columns, each once, with commas between them")
    if same_file(options.input, options.output):
        parser.error("IN and OUT are the same file; name another OUT")
    if options.output.endswith(".zst"):
        parser.error("zstd is not in Python's standard library; name an OUT that ends .csv or .gz")
    return options


def same_file(a: str, b: str) -> bool:
    if "-" in (a, b):
        return False
    return os.path.abspath(a) == os.path.abspath(b) or (os.path.exists(b) and os.path.exists(a) and os.path.samefile(a, b))


def warn(text: str) -> None:
    print(f"deduplicate_stream: {text}", file=sys.stderr)


def main(arguments: list[str]) -> int:
    options = parse_arguments(arguments)
    try:
        accounts = deduplicate(options)
    except Unusable as error:
        warn(str(error))
        return 3
    except OSError as error:
        warn(f"{options.output}: cannot be written: {error}")
        return 4
    except KeyboardInterrupt:
        return 130
    print(accounts, file=sys.stderr if options.output == "-" else sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
