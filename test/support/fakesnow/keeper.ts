/**
 * Keeps one emulator for a whole run of tests, in vitest's own process: started when the first test file asks for it,
 * stopped with the run. Where no test needs it, none is started.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KEEPER, startEmulator, type Emulator } from './emulator.js';

export default async function setup(): Promise<() => Promise<void>> {
  let emulator: Promise<Emulator> | undefined;
  const server = createServer((_, response) => {
    emulator ??= startEmulator();
    emulator.then(
      ({ port }) => response.end(String(port)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env[KEEPER] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await (await emulator?.catch(() => undefined))?.stop();
  };
}
