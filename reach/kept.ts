/** Something that stands until it is cut. */
interface Standing {
    readonly isOpen: boolean;
}

/** Makes something when it is needed, keeps it for all who need it, and makes it again when it no longer stands. */
export class Kept<T extends Standing> {
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

    /** What stands, or is about to; it is no longer kept then. */
    async take(): Promise<T | undefined> {
        const opened = await this.opening?.catch(() => undefined);
        const taken = opened ?? this.current;
        this.current = undefined;
        return taken;
    }
}
