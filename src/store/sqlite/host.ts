/** The boot of this host, by which processes know that their monotonic clocks are one. */
import { readFileSync } from 'node:fs';

/** A word that changes with each boot; empty where the platform has none: then a boot is taken for the one before. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
