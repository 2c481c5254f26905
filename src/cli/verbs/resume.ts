/** `fleet-q resume`: ends the pause of one pod. */
import type { Command } from 'commander';
import type { Io } from '../io.js';
import { controlPod } from '../control-pod.js';
import { urlOption, type PodFlags } from '../pod-api.js';

export function define(command: Command, io: Io): void {
  command
    .addOption(urlOption())
    .addHelpText(
      'after',
      `
The pod claims steps again. A pause applies to one pod, and only that pod remembers it.
So the command asks the pod, and not the store. A restarted pod is not paused.
The token of the API is read from FLEET_Q_API_TOKEN.

Examples:
  fleet-q resume --url http://127.0.0.1:8000
  kubectl exec worker-0 -- node node_modules/fleet-q/dist/cli.js resume`,
    )
    .action((flags: PodFlags) => controlPod(io, 'resume', flags));
}
