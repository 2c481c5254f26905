/** Ends the process with its service, although a module of the user may hold resources that keep it alive. */

/** How long an error has to be reported, in ms. */
const REPORT_MS = 1_000;

/** Runs a service, and exits with its code. If it fails, the process exits once the error is reported. */
export async function endsProcess(run: () => Promise<number>): Promise<void> {
  try {
    process.exit(await run());
  } catch (error) {
    // Does not keep the process alive. Without an argument, the exit code that the report has set is used.
    setTimeout(() => process.exit(), REPORT_MS).unref();
    throw error;
  }
}
