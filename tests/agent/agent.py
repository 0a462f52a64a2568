#!/usr/bin/env python3
"""A scripted agent with the bad manners of real ones.

    agent.py LOG [manner ...]

It draws a composer between two rules, as Claude Code does, and writes a line to LOG for all that happens:
`start`, `submit TEXT` (JSON), `yes` (an Enter in a permission dialog), `refused` (in a dialog at start), `end`.

Manners: swallow (an Enter within 100 ms of a paste becomes part of it), deaf:N (the first N Enters do nothing),
collapse (a long paste is shown as a placeholder), trust (a dialog at start), asks (a permission dialog after the
first submit), busy, draft (somebody has typed), suggests (a dim suggestion in the empty composer), shellmode,
stubborn (TERM is ignored), litter (leaves a process in a session of its own), nocomposer.
SIGUSR1 makes it misbehave at that moment: fall (becomes a shell), die, ask, type.
"""
import json
import os
import select
import signal
import subprocess
import sys
import termios
import time
import tty

log_path, manners = sys.argv[1], sys.argv[2:]
log_file = open(log_path, "a", buffering=1)


def log(*words):
    log_file.write(" ".join(words) + "\n")


def has(manner):
    return manner in manners


def number(manner):
    return next((int(m.split(":")[1]) for m in manners if m.startswith(manner + ":")), 0)


dialog = "trust" if has("trust") else None
text, shown_pastes, deaf, asks = "", [], number("deaf"), has("asks")
if has("draft"):
    text = "half a thought"
pasting, paste, pasted_at = False, "", 0.0


def draw():
    out = ["\x1b[2J\x1b[H"]
    if dialog == "trust":
        out += ["Do you trust the files in this folder?\r\n\r\n❯ 1. No, exit\r\n  2. Yes, proceed\r\n\r\nEnter to confirm · Esc to cancel\r\n"]
    elif dialog == "permission":
        out += ["Bash command\r\n\r\n  rm -rf build\r\n\r\nDo you want to proceed?\r\n❯ 1. Yes\r\n  2. No\r\n\r\nEsc to cancel\r\n"]
    elif has("nocomposer"):
        out += ["Loading…\r\n"]
    else:
        if has("busy"):
            out += ["✻ Thinking… (esc to interrupt)\r\n"]
        rule = "─" * 60
        body = text
        for n, whole in enumerate(shown_pastes, 1):
            body = body.replace(whole, f"[Pasted text #{n}]")
        if has("shellmode"):
            body = "! " + body
        elif not text and has("suggests"):
            body = "❯ \x1b[2mTry \"fix the lint\"\x1b[22m"
        else:
            body = "❯ " + body.replace("\n", "\r\n  ")
        out += [rule, "\r\n", body, "\r\n", rule, "\r\n  ? for shortcuts\r\n"]
    os.write(1, "".join(out).encode())


def enter():
    global text, deaf, dialog, asks
    if dialog == "trust":
        log("refused")
        sys.exit(1)
    if dialog == "permission":
        log("yes")
        dialog = None
        return
    if has("swallow") and time.monotonic() - pasted_at < 0.1:
        text += "\n"
        return
    if deaf > 0:
        deaf -= 1
        return
    if text.strip():
        log("submit", json.dumps(text))
        text = ""
        shown_pastes.clear()
        if asks:
            asks, dialog = False, "permission"


def key(data):
    global text, pasting, paste, pasted_at
    while data:
        if pasting:
            end = data.find("\x1b[201~")
            if end < 0:
                paste += data
                return
            paste += data[:end]
            data, pasting, pasted_at = data[end + 6:], False, time.monotonic()
            if dialog:
                continue
            if has("collapse") and (len(paste) > 800 or paste.count("\n") > 3):
                shown_pastes.append(paste)
            text += paste
        elif data.startswith("\x1b[200~"):
            data, pasting, paste = data[6:], True, ""
        elif data[0] in "\r\n":
            data = data[1:]
            enter()
        elif data[0] == "\x1b":
            data = data[1:]
        else:
            if not dialog:
                text += data[0]
            data = data[1:]


def misbehave(*_):
    global dialog, text
    if has("fall"):
        termios.tcsetattr(0, termios.TCSANOW, cooked)
        os.write(1, b"\x1b[2J\x1b[H")
        os.execvp("sh", ["sh", "-i"])
    if has("die"):
        os._exit(3)
    if has("ask"):
        dialog = "permission"
    if has("type"):
        text += "my own words"
    draw()


def end(*_):
    if has("stubborn"):
        return
    log("end")
    os._exit(0)


cooked = termios.tcgetattr(0)
signal.signal(signal.SIGUSR1, misbehave)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGHUP, end)
tty.setraw(0)
os.write(1, b"\x1b[?2004h")
if has("litter"):
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    log("litter", str(child.pid))
draw()
log("start", json.dumps({"argv": sys.argv, "cwd": os.getcwd(), "pid": os.getpid(), "env": dict(os.environ)}))
while True:
    try:
        ready, _, _ = select.select([0], [], [], 1)
    except InterruptedError:
        continue
    if ready:
        try:
            data = os.read(0, 65536)
        except OSError:
            break
        if not data:
            break
        key(data.decode(errors="replace"))
        draw()
log("end")
