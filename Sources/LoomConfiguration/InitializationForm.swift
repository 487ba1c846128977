import LoomModel

/// The keys of `network.initialization`: a rule, or a file.
struct InitializationForm {
    var rule = Initialization()
    var parameters: String?

    static var section: SettingsSection<InitializationForm> {
        func rule(_ kinds: Initialization.Kind...) -> SettingsCondition<InitializationForm> {
            SettingsCondition(
                holds: { $0.parameters == nil && kinds.contains($0.rule.kind) },
                problem: { form in
                    guard form.parameters == nil else {
                        return "not used together with parameters, which replace the rule"
                    }
                    return "not used with kind \(form.rule.kind.rawValue); "
                        + "it belongs to kind \(kinds.map(\.rawValue).alternatives)"
                }, keys: ["kind", "parameters"])
        }
        var section = SettingsSection(initial: InitializationForm())
        section.optionalKey(
            "parameters", \.parameters, .path,
            "a safetensors file with all parameters, relative to the configuration file")
        section.key("kind", \.rule.kind, .choice(), when: rule(.he, .xavier, .constant), "the rule")
        section.key(
            "distribution", \.rule.distribution, .choice(), default: "normal (he), uniform (xavier)",
            when: rule(.he, .xavier), "the distribution of he and xavier")
        section.key("value", \.rule.value, .number(.any), when: rule(.constant), "the value of constant")
        section.key(
            "seed", \.rule.seed, .whole(0), when: rule(.he, .xavier, .constant), "decides the weights")
        section.resolve = { form, reader in
            if !reader.has("distribution") {
                form.rule.distribution = form.rule.kind == .xavier ? .uniform : .normal
            }
        }
        return section
    }
}
