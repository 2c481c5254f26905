/** From the call of `submit` to the start of the handler, on an idle queue: in one process, and across two. */
import { hostMs, median, pause, quantile } from '../support/measure.js';
import { withPlace, type Place } from '../support/places.js';
import type { Report } from '../support/report.js';
import type { Servers } from '../support/servers.js';
import { alone, Task, together, type Course, type TaskName } from '../support/tasks.js';
import { newerNode as newer } from '../support/newer-node.js';
import { FLEET_Q, open, PEERS, type Args, type Entry } from '../subjects/subject.js';

interface Input {
  readonly module: string;
  readonly place: Place;
  readonly times: number;
}

/** Warm-up, not measured: first use loads, compiles and opens. */
const WARM_UP = 20;
const LONGEST_MS = 5_000;

const task = (name: string): TaskName => ({ module: 'latency', name });

/** Collects the durations. */
function listening(times: number) {
  const tooks: number[] = [];
  let heard = (): void => undefined;
  const onStart = ({ n, sentAt = NaN }: Args): void => {
    const tookMs = hostMs() - sentAt;
    if (n >= WARM_UP) tooks.push(tookMs);
    heard();
    if (n === times + WARM_UP - 1) end();
  };
  let end = (): void => undefined;
  const last = new Promise<void>((resolve) => (end = resolve));
  /** Resolves when the next handler has begun. */
  const next = (): Promise<void> => new Promise((resolve) => (heard = resolve));
  return { tooks, onStart, last, next };
}

export async function inOneProcess({ module, place, times }: Input, { begin }: Course) {
  const subject = await open(module, place);
  const { tooks, onStart, next } = listening(times);
  await subject.work(onStart);
  await begin();
  for (let n = 0; n < times + WARM_UP; n++) {
    const began = next();
    await subject.submit({ n, sentAt: hostMs() });
    await Promise.race([began, pause(LONGEST_MS)]);
    await pause(2 + Math.random() * 8);
  }
  await subject.close();
  return tooks;
}

export async function worker({ module, place, times }: Input, { begin }: Course) {
  const subject = await open(module, place);
  const { tooks, onStart, last } = listening(times);
  await subject.work(onStart);
  await begin();
  await Promise.race([last, pause(times * 30 + LONGEST_MS)]);
  await subject.close();
  return tooks;
}

export async function submitter({ module, place, times }: Input, { begin }: Course) {
  const subject = await open(module, place);
  await begin();
  for (let n = 0; n < times + WARM_UP; n++) {
    await subject.submit({ n, sentAt: hostMs() });
    await pause(10 + Math.random() * 20);
  }
  await pause(500);
  await subject.close();
  return [];
}

async function across({ module, newerNode = false }: Entry, place: Place, times: number): Promise<number[]> {
  const input: Input = { module, place, times };
  const nodePath = newerNode ? newer() : process.execPath;
  // One after the other: the worker creates the tables that the submitter needs.
  const working = new Task(task('worker'), input, nodePath);
  await working.ready;
  const [tooks] = await together([working, new Task(task('submitter'), input, nodePath)]);
  return tooks as number[];
}

export async function latency(report: Report, servers: Servers, times: number): Promise<void> {
  for (const entry of [FLEET_Q, ...PEERS]) {
    const { name, module, needs, newerNode = false } = entry;
    if (needs !== undefined && servers[needs] === undefined) {
      report.missing('latency p50', name, 'ms', `no ${needs}`);
      continue;
    }
    const here = await withPlace({ servers }, (place) =>
      alone<number[]>(task('inOneProcess'), { module, place, times }, newerNode),
    );
    const apart = await withPlace({ servers }, (place) => across(entry, place, times));
    report.add('latency p50', name, median(here), 'ms');
    report.add('latency p99', name, quantile(here, 0.99), 'ms');
    report.add('latency across processes p50', name, median(apart), 'ms');
    report.add('latency across processes p99', name, quantile(apart, 0.99), 'ms');
    if (entry !== FLEET_Q) continue;
    report.ratio('latencyP50Ms', median(here));
    report.ratio('latencyP99Ms', quantile(here, 0.99));
    report.ratio('crossLatencyP50Ms', median(apart));
  }
}
