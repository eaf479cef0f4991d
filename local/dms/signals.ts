/** Thrown inside the pipeline when the task is asked to stop; open work is rolled back. No failure: nobody reads it. */
export class StopRequested extends Error {
    override readonly name = "StopRequested";
}

/** Thrown inside the pipeline when tables are to be loaded anew; what was open is committed. No failure: nobody reads it. */
export class ReloadRequested extends Error {
    override readonly name = "ReloadRequested";
}
