/**
 * What clients that poll cost: 200 keep-alive connections ask /api/stats and /metrics in turn, each once every 2 s, beside
 * a queue at full load. The server and the metrics are there in both cases; only the clients are not. The clients run in a
 * process of their own, and share the machine's cores with the queue.
 */
import { Agent, get } from 'node:http';
import { serve } from 'fleet-q/http';
import { median, pause, quantile, watchLoop, type LoopDelay } from '../support/measure.js';
import { withPlace, type Place } from '../support/places.js';
import type { Report } from '../support/report.js';
import { flood } from '../support/flood.js';
import { Task, together, type Course } from '../support/tasks.js';
import { queueAt } from '../subjects/fleet-q.js';
import { freePort } from '../support/free-port.js';

const CLIENTS = 200;
/** How often each of them asks. */
const EVERY_MS = 2_000;
/** How long the counts are kept, for the API and for the metrics. */
const INTERVAL_MS = 5_000;
const TOKEN = 'the-token-of-the-benchmark';
/** More than any machine processes in a second. */
const MOST_A_SECOND = 60_000;
/** First use opens, loads and compiles. */
const WARM_UP_MS = 1_000;

interface PodInput {
  readonly place: Place;
  readonly port: number;
  readonly seconds: number;
}

interface PodFigures {
  readonly rate: number;
  readonly delay: LoopDelay;
  /** How often the store was asked for counts in an interval, by the API and by the metrics together. */
  readonly counts: number;
}

type Queue = ReturnType<typeof queueAt>;

/** The queue as its readers see it, and the different counts that they got: one for each time that the store was asked. */
function counting(queue: Queue): { readonly queue: Queue; readonly counts: Set<unknown> } {
  const counts = new Set<unknown>();
  const stats: Queue['stats'] = async (options) => {
    const answer = await queue.stats(options);
    counts.add(answer.stepsByType); // shared by the answers that come from one count
    return answer;
  };
  const seen = new Proxy(queue, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (key === 'stats') return stats;
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
  return { queue: seen, counts };
}

/** A pod at full load, with a server. */
export async function pod({ place, port, seconds }: PodInput, { begin }: Course): Promise<PodFigures> {
  await flood(place, seconds * MOST_A_SECOND, 'pending');
  let ran = 0;
  const queue = queueAt(place, () => void ran++);
  const seen = counting(queue);
  const { createMetrics } = await import('fleet-q/prometheus');
  const metrics = createMetrics(seen.queue, { statsIntervalMs: INTERVAL_MS });
  const server = await serve(seen.queue, { port, auth: TOKEN, metrics, statsIntervalMs: INTERVAL_MS });
  await begin();
  await queue.start();
  await pause(WARM_UP_MS);
  const [before, startedAt] = [ran, performance.now()];
  seen.counts.clear();
  const stop = watchLoop();
  while (performance.now() - startedAt < seconds * 1_000) await pause(20);
  const delay = stop();
  const tookMs = performance.now() - startedAt;
  const rate = ((ran - before) / tookMs) * 1_000;
  const intervals = Math.ceil(tookMs / INTERVAL_MS);
  const counts = seen.counts.size / intervals;
  await server.close();
  metrics.stop();
  await queue.stop();
  return { rate, delay, counts };
}

interface ClientFigures {
  readonly answered: number;
  readonly failed: number;
  readonly p99Ms: number;
}

interface ClientsInput {
  readonly port: number;
  readonly seconds: number;
}

/** The clients. They ask until the pod has been measured. */
export async function clients({ port, seconds }: ClientsInput, { begin }: Course): Promise<ClientFigures> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const times: number[] = [];
  let failed = 0;
  await begin();
  const endsAt = performance.now() + WARM_UP_MS + seconds * 1_000;
  const client = async (n: number): Promise<void> => {
    await pause((n / CLIENTS) * EVERY_MS); // they do not ask in step
    for (let asked = n; performance.now() < endsAt; asked++) {
      const startedAt = performance.now();
      const status = await ask(agent, port, asked % 2 === 0 ? '/api/stats' : '/metrics').catch(() => 0);
      if (status === 200) times.push(performance.now() - startedAt);
      else failed++;
      await pause(EVERY_MS - (performance.now() - startedAt));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n)));
  agent.destroy();
  return { answered: times.length, failed, p99Ms: quantile(times, 0.99) };
}

function ask(agent: Agent, port: number, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { agent, port, path, host: '127.0.0.1', headers: { authorization: `Bearer ${TOKEN}` } };
    get(options, (response) => response.resume().once('end', () => resolve(response.statusCode))).once('error', reject);
  });
}

async function measured(seconds: number, isPolled: boolean): Promise<[PodFigures, ClientFigures | undefined]> {
  const port = await freePort();
  const [ofPod, ofClients] = await withPlace({}, async (place) => {
    const subject = new Task({ module: 'pollers', name: 'pod' }, { place, port, seconds } satisfies PodInput);
    const beside = isPolled
      ? [new Task({ module: 'pollers', name: 'clients' }, { port, seconds } satisfies ClientsInput)]
      : [];
    return together([subject, ...beside], () => subject.result);
  });
  return [ofPod as PodFigures, ofClients as ClientFigures | undefined];
}

/** @param effort how many rounds, and how long the queue is measured in each, without clients and with them */
export async function pollers(report: Report, effort: { rounds: number; seconds: number }): Promise<void> {
  const shares: number[] = [];
  const with_: PodFigures[] = [];
  const without: PodFigures[] = [];
  const asked: ClientFigures[] = [];
  for (let round = 0; round < effort.rounds; round++) {
    // The order alternates, so that neither case always comes first.
    for (const isPolled of round % 2 === 0 ? [false, true] : [true, false]) {
      const [figures, ofClients] = await measured(effort.seconds, isPolled);
      (isPolled ? with_ : without).push(figures);
      if (ofClients !== undefined) asked.push(ofClients);
    }
    shares.push((with_[round]?.rate ?? NaN) / (without[round]?.rate ?? NaN));
  }
  const of = <T>(all: readonly T[], figure: (one: T) => number): number => median(all.map(figure));
  report.add(
    'processed, nobody polls',
    'fleet-q',
    of(without, ({ rate }) => rate),
    'steps/s',
  );
  report.add(
    `processed, ${CLIENTS} clients poll`,
    'fleet-q',
    of(with_, ({ rate }) => rate),
    'steps/s',
  );
  report.add(
    'event loop p99, nobody polls',
    'fleet-q',
    of(without, ({ delay }) => delay.p99),
    'ms',
  );
  report.add(
    `event loop p99, ${CLIENTS} clients poll`,
    'fleet-q',
    of(with_, ({ delay }) => delay.p99),
    'ms',
  );
  report.add(
    'requests answered',
    'fleet-q',
    of(asked, ({ answered }) => answered / effort.seconds),
    'a second',
  );
  report.add('requests failed', 'fleet-q', Math.max(...asked.map(({ failed }) => failed)), 'requests');
  report.add(
    'time of a request, p99',
    'fleet-q',
    of(asked, ({ p99Ms }) => p99Ms),
    'ms',
  );
  report.add('counts of the store', 'fleet-q', Math.max(...with_.map(({ counts }) => counts)), 'an interval');
  report.ratio('pollersThroughput', median(shares));
  report.ratio(
    'pollersLoopP99Ms',
    of(with_, ({ delay }) => delay.p99),
  );
  report.ratio('pollersCounts', Math.max(...with_.map(({ counts }) => counts)));
  report.ratio('pollersFailed', Math.max(...asked.map(({ failed }) => failed)));
}
