/** Clocks, quantiles, and the delay of an event loop. */

/** Milliseconds of a clock that all processes of the host share. */
export const hostMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Runs `work`. @returns how many ms it took */
export async function timed(work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

export interface LoopDelay {
  readonly p99: number;
  readonly most: number;
}

/** Measures the delay of this process's event loop: how late a timer of 1 ms fires. */
export function watchLoop(): () => LoopDelay {
  const delays: number[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    delays.push(Math.max(0, now - last - 1));
    last = now;
  }, 1);
  return () => {
    clearInterval(timer);
    return { p99: quantile(delays, 0.99), most: quantile(delays, 1) };
  };
}

/** Does `work(0)`, `work(1)`, … until `most` are done or time is up. @returns how many a second */
export async function rateOf(most: number, seconds: number, work: (n: number) => unknown): Promise<number> {
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  let done = 0;
  while (done < most && performance.now() < endsAt) await work(done++);
  return (done / (performance.now() - startedAt)) * 1_000;
}
