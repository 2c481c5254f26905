/** `npm run warehouse`: starts the test bed, to try the Snowflake store without an account. */
import { createServer } from 'node:net';
import { readArguments, USAGE, type BedArguments } from './main-arguments.js';
import { startTestBed } from './test-bed.js';

const options = read();
await mustBeFree(options.port); // before the emulator, which takes its time

console.log('Starting the emulator (the first time, its Python environment is made: some 20 s) …');
const bed = await startTestBed(options).catch((error: unknown) => {
  if ((error as Error).name !== 'NoPythonError') throw error;
  return end(1, (error as Error).message);
});
const { database, schema } = await bed.freshSchema();

console.log(`
A warehouse listens at ${bed.connection.accessUrl}. The driver's options, and a store on it:

const connection = ${JSON.stringify(bed.connection, null, 2)};
const store = snowflake({ connection, database: '${database}', schema: '${schema}' });

What is written there is gone when this ends. End it with Ctrl-C; it then says what the meter has seen.
`);

const stop = async () => {
  console.log(bed.meter.report());
  console.log(`resumed ${bed.proxy.suspension.resumes} times, ${bed.proxy.suspension.credits.toFixed(4)} credits`);
  await bed.stop();
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());

/** If the arguments are invalid, prints why and exits. */
function read(): BedArguments {
  try {
    return readArguments(process.argv.slice(2)) ?? end(0);
  } catch (error) {
    return end(2, (error as Error).message);
  }
}

async function mustBeFree(port: number): Promise<void> {
  const server = createServer();
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once('error', resolve).listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
  if (error === undefined) return;
  end(
    2,
    `--port: ${port} is ${error.code === 'EADDRINUSE' ? 'taken' : `not to be had (${error.code ?? error.message})`}`,
  );
}

function end(code: number, reason?: string): never {
  if (reason === undefined) console.log(USAGE);
  else console.error(`${reason}\n\n${USAGE}`);
  process.exit(code);
}
