/**
 * Keeps emulators for a whole run of tests, in vitest's own process: one for each worker, up to a few. Each is started when a
 * test file first needs it, and stopped with the run. If no test needs one, none is started.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KEEPER, startEmulator, type Emulator } from './emulator.js';

/** An emulator answers one statement at a time, and takes some 400 MB. */
const MOST = 4;

export default async function setup(): Promise<() => Promise<void>> {
  const emulators = new Map<number, Promise<Emulator>>();
  const server = createServer(({ url = '' }, response) => {
    const seat = (Number(url.slice(1)) || 0) % MOST;
    const emulator = emulators.get(seat) ?? startEmulator();
    emulators.set(seat, emulator);
    emulator.then(
      ({ port }) => response.end(String(port)),
      (error: unknown) => {
        // The next file that asks tries anew.
        if (emulators.get(seat) === emulator) emulators.delete(seat);
        response.writeHead(500).end(String(error));
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env[KEEPER] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    for (const started of await Promise.allSettled(emulators.values())) {
      if (started.status === 'fulfilled') await started.value.stop();
    }
  };
}
