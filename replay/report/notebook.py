# --- load
import csv, json
from collections import Counter
from datetime import datetime, timezone

def read(name):
    with open(name, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))

def seconds(text):
    """RFC 3339 to seconds, with whatever fraction it has."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    at = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    return at + (float("0." + fraction) if fraction else 0)

attempts = read("timeline.csv")
duplicates = read("duplicates.csv")
findings = json.load(open("findings.json", encoding="utf-8"))
print(f"{len(attempts)} attempts, {len(duplicates)} duplicates")
# --- gantt
try:
    import matplotlib.pyplot as plt
except ImportError:
    plt = None
from html import escape

COLOURS = {"success": "#5b8fc7", "timeout": "#e0a030", "failed": "#c8553d", "unknown": "#98a2ae"}

def bars_between(start, end, most=3000):
    """Attempts that reach into [start, end], with the lane in which each is drawn."""
    found = []
    for a in attempts:
        s = seconds(a["start_time"])
        if s > end:
            break
        e = seconds(a["end_time"]) if a["end_time"] else s
        if e >= start:
            found.append((a, s, max(e, s)))
    return found[:most]

def marker(a):
    if "no-end" in a["notes"]:
        return "✖"
    if int(a["retry"]) > 0:
        return "▲"
    return "◆" if a["overlap_group"] else ""

def gantt(start, end, title, event=None):
    bars = bars_between(start, end)
    lanes = sorted({(a["worker_id"], int(a["lane"])) for a, _, _ in bars}, reverse=True)
    at = {lane: i for i, lane in enumerate(lanes)}
    if plt:
        figure, axes = plt.subplots(figsize=(12, 1 + 0.28 * max(len(lanes), 3)))
        for a, s, e in bars:
            y = at[a["worker_id"], int(a["lane"])]
            own = event is not None and a["event_id"] == event
            axes.barh(y, max(e - s, (end - start) / 400), left=s - start, height=0.7, color=COLOURS.get(a["status"], "#98a2ae"), edgecolor="#7b2d8b" if own else "none", linewidth=2)
            axes.text(s - start, y, marker(a), va="center", fontsize=8)
        axes.set_yticks(range(len(lanes)), [f"{w} / {l}" for w, l in lanes], fontsize=8)
        axes.set_xlabel("seconds after " + datetime.fromtimestamp(start, timezone.utc).strftime("%H:%M:%S.%f")[:-3] + " UTC")
        axes.set_title(title, loc="left", fontsize=10)
        plt.show()
        return
    from IPython.display import SVG, display
    wide, scale = 1000, 860 / (end - start)
    parts = []
    for a, s, e in bars:
        y = 30 + 18 * (len(lanes) - 1 - at[a["worker_id"], int(a["lane"])])
        x = 120 + max(s - start, 0) * scale
        own = event is not None and a["event_id"] == event
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="{max((e - s) * scale, 2):.1f}" height="13" fill="{COLOURS.get(a["status"], "#98a2ae")}"' + (' stroke="#7b2d8b" stroke-width="2"' if own else "") + "/>")
        parts.append(f'<text x="{x:.1f}" y="{y + 11}" font-size="10">{marker(a)}</text>')
    for w, l in lanes:
        parts.append(f'<text x="4" y="{41 + 18 * (len(lanes) - 1 - at[w, l])}" font-size="11">{escape(w)} / {l}</text>')
    display(SVG(f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{44 + 18 * len(lanes)}"><title>{escape(title)}</title><text x="4" y="16" font-size="12">{escape(title)}</text>' + "".join(parts) + "</svg>"))
# --- first
if attempts:
    begin = seconds(attempts[0]["start_time"])
    gantt(begin, begin + 1, "The first second")
# --- count
kinds = Counter(a["retry_kind"] for a in attempts)
open_ended = sum(1 for a in attempts if not a["end_time"])
print(f"retries {kinds['overlapping'] + kinds['sequential']} (overlapping {kinds['overlapping']}, sequential {kinds['sequential']}), without end {open_ended}")
# --- causes
for cause, n in sorted(Counter(d["cause"] for d in duplicates).items(), key=lambda x: (-x[1], x[0])):
    print(cause, n)
# --- closeup
shown = set()
for d in duplicates:
    own = [a for a in attempts if a["event_id"] == d["event_id"]] if d["cause"] not in shown else []
    if not own or len(shown) == 3:
        continue
    shown.add(d["cause"])
    begin = min(seconds(a["start_time"]) for a in own)
    end = max(seconds(a["end_time"] or a["start_time"]) for a in own)
    pad = max((end - begin) * 0.6, 0.004)
    gantt(begin - pad, end + pad, f"{d['cause']}: {d['event_id']}, row {d['row']} copies row {d['canonical_row']}", d["event_id"])
# --- windows
windows = findings["replay_windows"]
print(len(windows), "replay windows")
