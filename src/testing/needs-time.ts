/** Finds out whether a call can end while the clock stands still. */
import { systemRuntime } from '../runtime/runtime.js';

/** Turns of the event loop before real time is waited for: most calls need fewer. */
const TURNS = 20;

/** @returns false when the promise has settled; true as soon as it has not and `waits` says that a timer is set for it */
export async function needsTime(promise: Promise<unknown>, waits: () => boolean): Promise<boolean> {
  let settled = false;
  const settle = (): void => void (settled = true);
  promise.then(settle, settle);
  for (let turns = 0; ; turns++) {
    await systemRuntime.yield();
    if (settled) return false;
    if (waits()) return true;
    if (turns >= TURNS) await new Promise<void>((resolve) => void systemRuntime.after(1, resolve)); // the driver is loaded
  }
}
