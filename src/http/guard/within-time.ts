/** Bounds the time of a function of the host, so that no request waits for it without end. */

/** How long `auth` and `can` may take, in ms. */
const MOST_MS = 10_000;

/** @throws what the function throws; Error if it takes too long */
export async function withinTime<T>(name: string, call: () => Promise<T>, mostMs = MOST_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} did not answer within ${mostMs} ms`)), mostMs);
  });
  try {
    return await Promise.race([call(), late]);
  } finally {
    clearTimeout(timer);
  }
}
