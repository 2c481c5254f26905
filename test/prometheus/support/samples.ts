/** Reads the text format of Prometheus. */
import type { FleetMetrics } from 'fleet-q/prometheus';

/** The value of each series, by its name and labels as they are written: `fleetq_heartbeats_total{result="ok"}`. */
export async function samplesOf(metrics: Pick<FleetMetrics, 'metrics'>): Promise<Readonly<Record<string, number>>> {
  const lines = (await metrics.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

/** The series whose name begins like this. */
export function beginningWith(samples: Readonly<Record<string, number>>, start: string): Record<string, number> {
  return Object.fromEntries(Object.entries(samples).filter(([name]) => name.startsWith(start)));
}
