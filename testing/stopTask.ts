import { stopTask } from "../local/dms/control";

/** Stops the task of the folder that is given as the only argument. */
void stopTask(process.argv[2] ?? "");
