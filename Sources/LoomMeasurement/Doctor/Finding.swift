/// Something that makes trainings slower here than they could be.
package struct Finding: Sendable, Equatable {
    /// The name of the rule that found it.
    package let rule: String
    /// The part of a training's speed that it costs here, 0…1, from what was measured; 0: nothing by itself.
    package let cost: Double
    /// What it is, and why it costs that: sentences.
    package let text: String
    /// What mends it: sentences with the exact command or setting.
    package let remedy: String
    /// The figures behind `cost` and `text`, by name with its unit.
    package let evidence: [String: Double]

    /// A finding; a cost below 0 is none.
    package init(rule: String, cost: Double, text: String, remedy: String, evidence: [String: Double] = [:]) {
        self.rule = rule
        self.cost = min(1, max(0, cost))
        self.text = text
        self.remedy = remedy
        self.evidence = evidence
    }
}

/// What a rule says of the facts.
package enum DoctorVerdict: Sendable, Equatable {
    /// Something costs speed, or would if something else happened.
    case finding(DoctorAnswer)
    /// Nothing does.
    case clear
    /// The rule has nothing to look at, and why.
    case unchecked(String)
}

/// A finding before its rule has signed it.
package struct DoctorAnswer: Sendable, Equatable {
    let cost: Double
    let text: String
    let remedy: String
    let evidence: [String: Double]
}

extension DoctorVerdict {
    static func found(
        _ cost: Double, _ text: String, remedy: String, evidence: [String: Double] = [:]
    ) -> DoctorVerdict {
        .finding(DoctorAnswer(cost: cost, text: text, remedy: remedy, evidence: evidence))
    }
}

/// One question about the machine or a configuration: a pure function of what was measured.
package struct DoctorRule: Sendable {
    /// What findings are signed with.
    package let name: String
    /// What is looked at, in words: "huge pages".
    package let subject: String
    /// The rule.
    package let verdict: @Sendable (DoctorFacts) -> DoctorVerdict

    init(_ name: String, _ subject: String, _ verdict: @escaping @Sendable (DoctorFacts) -> DoctorVerdict) {
        self.name = name
        self.subject = subject
        self.verdict = verdict
    }
}

/// What all rules say of the facts.
package struct Diagnosis: Sendable, Equatable {
    /// A rule that had nothing to look at.
    package struct Unchecked: Sendable, Equatable {
        /// What it would have looked at.
        package let subject: String
        /// Why it could not.
        package let reason: String
    }

    /// What was found, the most expensive first.
    package private(set) var findings: [Finding] = []
    /// What the rules that found nothing look at.
    package private(set) var clear: [String] = []
    /// The rules that had nothing to look at.
    package private(set) var unchecked: [Unchecked] = []

    /// What `rules` say of `facts`.
    package init(_ facts: DoctorFacts, rules: [DoctorRule] = DoctorRule.all) {
        for rule in rules {
            switch rule.verdict(facts) {
            case .finding(let answer):
                findings.append(
                    Finding(
                        rule: rule.name, cost: answer.cost, text: answer.text, remedy: answer.remedy,
                        evidence: answer.evidence))
            case .clear: clear.append(rule.subject)
            case .unchecked(let reason): unchecked.append(Unchecked(subject: rule.subject, reason: reason))
            }
        }
        // The sort is not stable by promise: equal costs keep the order of the rules.
        findings = findings.enumerated().sorted { ($1.element.cost, $0.offset) < ($0.element.cost, $1.offset) }
            .map(\.element)
    }

    /// Whether something costs so much that it should be mended first.
    package var isSerious: Bool { findings.contains { $0.cost > DoctorThresholds.seriousCost } }
}
