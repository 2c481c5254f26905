/** What names the clocks of this host, so that processes know whether theirs are one. */
import { readFileSync, readlinkSync } from 'node:fs';

/** A word that changes with each boot; empty where the platform has none: then a boot is taken for the one before. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** Where the clocks that count from the boot are the same: a namespace may shift them. */
export function timeNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/time');
  } catch {
    return ''; // a kernel before 5.6 has none
  }
}

/** The time namespace that the host boots with. Its number is fixed in the kernel. */
const INITIAL_TIME_NAMESPACE = 'time:[4026531834]';

/**
 * What the monotonic clock of this process counts from; empty where the platform has no word for its boot.
 *
 * The initial time namespace is left out: so processes of version 1, which record the boot alone, and those of this
 * version know that they share a clock.
 */
export function monotonicOrigin(boot = bootId(), namespace = timeNamespace()): string {
  return boot === '' || namespace === '' || namespace === INITIAL_TIME_NAMESPACE ? boot : `${boot} ${namespace}`;
}
