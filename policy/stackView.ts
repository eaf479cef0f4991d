import type { PolicyResource } from "@pulumi/policy";

import type { ResourceArgs, ResourceType } from "./resourceTypes";
import { Inputs } from "./rule";

/**
 * The resources of a stack and how they belong together. Belonging is read from property dependencies, which are there
 * while ids and ARNs are still unknown; names are never compared.
 */
export class StackView {
    constructor(readonly resources: readonly PolicyResource[]) {}

    /** All resources of one type. */
    ofType(type: ResourceType): readonly PolicyResource[] {
        return this.resources.filter((resource) => resource.type === type);
    }

    /** The resource's inputs, with the names of its class. */
    inputs<Type extends ResourceType>(
        resource: PolicyResource,
        type: Type,
    ): Inputs<ResourceArgs[Type]> {
        if (resource.type !== type) {
            throw new Error(`${resource.urn} is no ${type}.`);
        }
        return new Inputs(resource.props);
    }

    /**
     * The resources of one type that a property was made from, or that a literal property names.
     * @param identifiers the outputs by which a literal may name such a resource, for example `arn`.
     */
    behind(
        resource: PolicyResource,
        property: string,
        type: ResourceType,
        identifiers: readonly string[],
    ): readonly PolicyResource[] {
        const candidates = this.ofType(type);
        const made = dependencies(resource, property);
        const direct = candidates.filter((candidate) => made.includes(candidate));
        if (direct.length > 0) {
            return direct;
        }
        const literals = texts(new Inputs<Record<string, unknown>>(resource.props).get(property));
        return candidates.filter((candidate) => {
            const outputs = new Inputs<Record<string, unknown>>(candidate.props);
            return identifiers.some((name) => {
                const value = outputs.get(name);
                return typeof value === "string" && value !== "" && literals.includes(value);
            });
        });
    }
}

/** The resources that one property of a resource was made from. */
export function dependencies(
    resource: PolicyResource,
    property: string,
): readonly PolicyResource[] {
    return resource.propertyDependencies[property] ?? [];
}

function texts(value: unknown): readonly string[] {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.filter((item): item is string => typeof item === "string");
}
