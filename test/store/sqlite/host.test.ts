/** What names the host's clocks. */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { expect, it } from 'vitest';
import { bootId, monotonicOrigin } from '../../../src/store/sqlite/host.js';

it.runIf(existsSync('/proc/self/ns/time'))(
  'names the boot and the time namespace, which shifts the monotonic clock',
  () => {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    expect(bootId()).toBe(boot);
    expect(monotonicOrigin()).toBe(`${boot} ${readlinkSync('/proc/self/ns/time')}`);
  },
);
