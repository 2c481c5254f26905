/** The ids of the host's monotonic clock. */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { expect, it } from 'vitest';
import { bootId, monotonicOrigin, timeNamespace } from '../../../../src/store/sqlite/clock/monotonic-clock-id.js';

it.runIf(existsSync('/proc/self/ns/time'))('reads the boot id and the time namespace of this process', () => {
  expect(bootId()).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  expect(timeNamespace()).toBe(readlinkSync('/proc/self/ns/time'));
});

it('names a shifted monotonic clock by its time namespace, and the clock of the host by the boot alone', () => {
  expect(monotonicOrigin('boot', 'time:[4026532700]')).toBe('boot time:[4026532700]');
  expect(monotonicOrigin('boot', 'time:[4026531834]')).toBe('boot'); // as version 1 records it
  expect(monotonicOrigin('boot', '')).toBe('boot');
  expect(monotonicOrigin('', 'time:[4026532700]')).toBe('');
});
