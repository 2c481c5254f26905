/** An idle connection is closed by its client alone: if the server closed it, a request sent at that moment would be lost. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { reachEmulator } from '../fakesnow/emulator.js';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

/** Longer than the five seconds for which Node's server and the emulator's keep one by default, and their slack. */
const REST_MS = 7_500;

describeOnTestBed('a connection that rests', { timeout: 30_000, concurrent: true }, () => {
  const { bed } = useTestBed();

  test('stays open at the proxy', async () => {
    expect(await staysOpen(bed().proxy.port)).toBe(true);
  });

  test('stays open at the emulator', async () => {
    const emulator = await reachEmulator();
    expect(await staysOpen(emulator.port)).toBe(true);
    await emulator.stop();
  });
});

async function staysOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const ended = once(socket, 'end').then(() => false);
  socket.write('GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'data');
  const open = await Promise.race([ended, sleep(REST_MS, true)]);
  socket.destroy();
  return open;
}
