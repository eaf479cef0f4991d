/** A tunnel, which is open until it is cut. */
interface Tunnel {
    readonly isOpen: boolean;
}

/** Opens a tunnel when it is needed, keeps it for all who need it, and opens it again when it was cut. */
export class KeptTunnel<T extends Tunnel> {
    private current: T | undefined;
    private opening: Promise<T> | undefined;

    constructor(private readonly open: () => Promise<T>) {}

    get(): Promise<T> {
        if (this.current?.isOpen === true) {
            return Promise.resolve(this.current);
        }
        this.opening ??= this.open()
            .then((made) => (this.current = made))
            .finally(() => {
                this.opening = undefined;
            });
        return this.opening;
    }

    /** The tunnel that is open or being opened. It is no longer kept after that. */
    async take(): Promise<T | undefined> {
        const opened = await this.opening?.catch(() => undefined);
        const taken = opened ?? this.current;
        this.current = undefined;
        return taken;
    }
}
