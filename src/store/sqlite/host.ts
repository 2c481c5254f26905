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

/** What the monotonic clock of this process counts from; empty where the platform has no word for its boot. */
export function monotonicOrigin(): string {
  const boot = bootId();
  return boot === '' ? '' : `${boot} ${timeNamespace()}`.trimEnd();
}
