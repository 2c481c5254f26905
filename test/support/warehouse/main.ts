/** `npm run warehouse`: the test bed by hand, for whoever wants to try the Snowflake store without an account. */
import { REAL_LATENCY } from './latency.js';
import { startTestBed } from './test-bed.js';

const USAGE = `Usage: npm run warehouse -- [--real] [--port <number>]

  --real   statements take as long as they do on a small warehouse, and 8 run at once
  --port   where to listen; a free port if not said
`;

const args = process.argv.slice(2);
const port = args.includes('--port') ? Number(args[args.indexOf('--port') + 1]) : 0;
if (args.includes('--help') || !Number.isInteger(port)) {
  console.log(USAGE);
  process.exit(args.includes('--help') ? 0 : 2);
}

console.log('Starting the emulator (the first time, its Python environment is made: some 20 s) …');
const bed = await startTestBed({ port, ...(args.includes('--real') && { latency: REAL_LATENCY }) });
const options = { ...bed.connection, ...(await bed.freshSchema()) };

console.log(`
A warehouse listens at ${bed.connection.accessUrl}. The driver's options:

${JSON.stringify(options, null, 2)}

What is written there is gone when this ends. End it with Ctrl-C; it then says what the meter has seen.
`);

const stop = async () => {
  console.log(bed.meter.report());
  console.log(`resumed ${bed.proxy.suspension.resumes} times, ${bed.proxy.suspension.credits.toFixed(4)} credits`);
  await bed.stop();
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
