import type { PolicyResource } from "@pulumi/policy";
import { Inputs } from "./resourceInputs";
import type { ResourceArgs, ResourceType } from "./resourceTypes";
import { isText, type Values } from "./values";

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
     * The resources of one type that a property names: by a literal, or by having been made from them.
     * @param identifiers the outputs that a literal may equal, for example `arn`. Where the first of them and the
     * property are both known, only the literal counts.
     */
    behind(
        resource: PolicyResource,
        property: string,
        type: ResourceType,
        identifiers: readonly [string, ...string[]],
    ): readonly PolicyResource[] {
        const made = dependencies(resource, property);
        const value = outputs(resource).get(property);
        const literals = texts(value);
        const isKnown = literals.length === (Array.isArray(value) ? value.length : 1);
        return this.ofType(type).filter((candidate) => {
            const names = outputs(candidate);
            if (identifiers.some((name) => literals.some((text) => text === names.get(name)))) {
                return true;
            }
            const isOther = isKnown && texts(names.get(identifiers[0])).length > 0;
            return made.includes(candidate) && !isOther;
        });
    }
}

function outputs(resource: PolicyResource): Inputs<Values> {
    return new Inputs<Values>(resource.props);
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
    return values.filter(isText);
}
