/** Progress for the person at the terminal, on stderr: stdout has the results alone. */
export function progress(line: string): void {
  process.stderr.write(`  ${new Date().toISOString().slice(11, 19)} ${line}\n`);
}
