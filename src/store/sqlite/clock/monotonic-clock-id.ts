/** Identifies the monotonic clock of this host, so that processes know whether they share it. */
import { readFileSync, readlinkSync } from 'node:fs';

/** Changes with each boot. Empty if the platform has no boot id: then a reboot is not noticed. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** A time namespace may shift the clocks that count from the boot. Empty if the platform has none. */
export function timeNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/time');
  } catch {
    return ''; // kernels before 5.6 have none
  }
}

/** The time namespace that the host boots with. Its number is fixed in the kernel. */
const INITIAL_TIME_NAMESPACE = 'time:[4026531834]';

/**
 * The instant from which the monotonic clock of this process counts; empty if the platform has no boot id.
 *
 * The initial time namespace is left out. Schema version 1 recorded the boot id alone, so its processes and those of this
 * version recognize that they share a clock.
 */
export function monotonicOrigin(boot = bootId(), namespace = timeNamespace()): string {
  return boot === '' || namespace === '' || namespace === INITIAL_TIME_NAMESPACE ? boot : `${boot} ${namespace}`;
}
