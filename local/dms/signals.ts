/** Thrown inside the pipeline when the task is asked to stop; open work is rolled back. No failure: nobody reads it. */
export class StopRequested extends Error {
    override readonly name = "StopRequested";
}

/** Thrown inside the pipeline when tables have to be loaded again. Open transactions are committed. It is not a failure and has no message. */
export class ReloadRequested extends Error {
    override readonly name = "ReloadRequested";
}
