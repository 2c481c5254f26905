/** Next calls `register` once, when the server starts: this process becomes a pod of the fleet. */
export async function register(): Promise<void> {
  if (process.env['NEXT_RUNTIME'] !== 'nodejs') return;
  const { queue } = await import('./queue');
  await queue.start();
}
