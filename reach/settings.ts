/** How a tunnel behaves; times are in milliseconds, and tests are less patient. */
export interface ReachSettings {
    /** How long a host may take until the tunnel stands. */
    readonly openMs: number;
    /** How long Systems Manager may not know the host: an agent announces itself a while after the boot. */
    readonly arrivalMs: number;
    /** How long a connection through the standing tunnel may take. */
    readonly connectMs: number;
    /** Between two signs of life through a tunnel in use: forwards of Session Manager were seen cut after 30 s without data. */
    readonly keepAliveMs: number;
    /** How long a tunnel stays open for the next user after the last one has closed it. */
    readonly lingerMs: number;
    /**
     * Whether the tunnel goes on when a terminal's Ctrl-C is sent to all processes of the command: psql cancels a query by it.
     * The command then ends the tunnel itself.
     */
    readonly outlivesCtrlC: boolean;
}

export const REACH_SETTINGS: ReachSettings = {
    openMs: 30_000,
    arrivalMs: 45_000,
    connectMs: 15_000,
    keepAliveMs: 10_000,
    lingerMs: 20_000,
    outlivesCtrlC: false,
};
