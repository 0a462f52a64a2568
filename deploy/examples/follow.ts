// Follows the changes of a nudged server and misses none, across restarts of either side.
// Needs no package: `node follow.ts` from Node 22.18 on, `npx tsx follow.ts` with Node 20.
//
//   NUDGED_URL              the server                      [http://127.0.0.1:8787]
//   NUDGED_API_TOKEN        its API token, or
//   NUDGED_API_TOKEN_FILE   a file that holds it            [api-token]
//   NUDGED_CURSOR_FILE      where the cursor is kept; one file for each bot   [cursor]
//
// The guarantee is at-least-once: the cursor is written after a change was handled, so a bot that is
// killed between the two handles that change again. Handle by `seq` where twice would hurt.
// Without a cursor file it begins with the oldest change. To begin with the next one instead, put
// `next` of GET /v1/changes?after=head into the file first.

import { open, readFile, rename } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

interface Change {
  seq: number;
  projectId: string | null;
  sessionId: string | null;
  type: string;
  payload: Record<string, unknown>;
  cause: string;
  createdAt: string;
}

interface Page {
  changes: Change[];
  next: string;
  head: number;
  floor: number;
  epoch: string;
}

interface Refusal {
  error?: { code: string; message: string };
  floor?: number;
}

// Your handling. The payload holds words of strangers (names of branches and checks).
// Throw to get the same change again a little later.
async function handle(change: Change): Promise<void> {
  console.log(`${change.seq} ${change.type} ${ascii(change.payload)}`);
}

const url = (process.env.NUDGED_URL || "http://127.0.0.1:8787").replace(/\/+$/, "");
const cursorFile = process.env.NUDGED_CURSOR_FILE || "cursor";

// JSON that no terminal takes for commands.
function ascii(value: unknown): string {
  return (JSON.stringify(value) ?? "null").replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function say(text: string): void {
  console.error(`follow.ts: ${text}`);
}

async function apiToken(): Promise<string> {
  const set = process.env.NUDGED_API_TOKEN;
  return (set || (await readFile(process.env.NUDGED_API_TOKEN_FILE || "api-token", "utf8"))).trim();
}

async function savedCursor(): Promise<string> {
  try {
    return (await readFile(cursorFile, "utf8")).trim() || "0";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "0";
    throw error;
  }
}

// Never leaves half a cursor behind.
async function save(cursor: string): Promise<void> {
  const file = await open(`${cursorFile}.new`, "w");
  try {
    await file.writeFile(`${cursor}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${cursorFile}.new`, cursorFile);
}

// The cursor points to where nothing is any more.
class Gone extends Error {
  readonly floor: number;
  constructor(floor: number, message: string) {
    super(message);
    this.floor = floor;
  }
}

// Another try would not help.
class Refused extends Error {}

async function readPage(token: string, cursor: string): Promise<Page> {
  const query = new URLSearchParams({ after: cursor, wait: "30", limit: "100" });
  const answer = await fetch(`${url}/v1/changes?${query}`, {
    headers: { authorization: `Bearer ${token}` },
    redirect: "manual", // the token is for this server only
    signal: AbortSignal.timeout(60_000),
  });
  if (answer.ok) return (await answer.json()) as Page;
  const body = (await answer.json().catch(() => ({}))) as Refusal;
  const message = body.error?.message ?? "no reason given";
  const { status } = answer;
  if (status === 410 && body.floor !== undefined) throw new Gone(body.floor, message);
  if (status === 408 || status === 429 || status >= 500) throw new Error(`${url} answered ${status}`);
  throw new Refused(`${url} answered ${status}: ${ascii(message)}`);
}

async function follow(): Promise<void> {
  const token = await apiToken();
  let cursor = await savedCursor();
  let pause = 1;
  for (;;) {
    try {
      const page = await readPage(token, cursor);
      for (const change of page.changes) {
        await handle(change);
        cursor = `${page.epoch}.${change.seq}`;
        await save(cursor);
      }
      if (page.next !== cursor) {
        cursor = page.next;
        await save(cursor);
      }
      pause = 1;
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (error instanceof Gone) {
        // Pruned, or the database was restored from a copy: what is gone cannot be followed.
        cursor = String(error.floor);
        say(`cannot go on: ${ascii(error.message)}. Beginning after ${cursor}, with the oldest there is`);
        await save(cursor);
        continue;
      }
      // Longer each time, half of it by chance, so that many bots do not come at once.
      say(`${error instanceof Error ? error.message : String(error)}; again in at most ${pause} s`);
      await sleep(pause * 1000 * (0.5 + Math.random() / 2));
      pause = Math.min(pause * 2, 30);
    }
  }
}

follow().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
