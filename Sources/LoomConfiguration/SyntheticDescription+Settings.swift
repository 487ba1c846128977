import LoomData

extension SyntheticDescription {
    static var section: SettingsSection<SyntheticDescription> {
        var section = SettingsSection(initial: SyntheticDescription(task: .teacher, samples: 1))
        section.requiredKey("task", \.task, .choice(), "what is generated")
        section.requiredKey("samples", \.samples, .whole(1), "the number of samples")
        section.key(
            "inputs", \.inputs, .whole(1), default: defaults(\.inputs), "the number of features of the task itself")
        section.optionalKey(
            "classes", \.classes, .whole(2), default: defaults(\.classes),
            when: taskIs(Task.choosesClasses), "the number of classes")
        section.optionalKey(
            "targets", \.regressionTargets, .whole(1), default: "1",
            when: taskIs(Task.choosesTargets),
            "the number of target columns; makes a teacher's task a regression")
        section.key("seed", \.seed, .whole(0), "with the other keys, decides every sample")
        section.key(
            "noise", \.noise, .number(.notNegative), default: defaults(\.noise, of: Task.withNoise),
            when: taskIs(Task.withNoise),
            "the deviation of normal noise on the inputs (spirals, rings, xor, parity, letters, voices), on changes "
                + "(prices) or on the targets")
        section.key(
            "hidden", \.hidden, hiddenType, default: defaults(\.hidden, of: Task.withHidden),
            when: taskIs(Task.withHidden),
            "the units of the teacher's hidden layers, or the number of exponentials")
        section.key(
            "activation", \.activation, .choice(), when: taskIs([.teacher]),
            "the activation of the teacher's hidden units")
        section.key(
            "gain", \.gain, .number(.positive), default: defaults(\.gain, of: Task.withGain),
            when: taskIs(Task.withGain),
            "the deviation of the teacher's pre-activations, of exponents or of log-odds: the larger, the less linear "
                + "or, for logistic, the fewer mistakes")
        section.key(
            "cluster_std", \.clusterStd, .number(.notNegative), when: taskIs([.blobs, .mixture]),
            "the deviation of a cloud")
        section.key(
            "center_box", \.centerBox, .numbers, default: "[-10, 10]", when: taskIs([.blobs, .mixture]),
            "the lower and the upper bound of the clouds' centres")
        section.key("clusters", \.clusters, .whole(1), when: taskIs([.mixture]), "the clouds of a class")
        section.key("turns", \.turns, .number(.positive), when: taskIs([.spirals]), "the turns of an arm")
        section.key("bits", \.bits, .whole(1), when: taskIs([.parity]), "the number of inputs that count")
        section.optionalKey(
            "informative", \.informative, .whole(1), default: "all", when: taskIs([.linear, .logistic]),
            "the number of inputs that the targets depend on")
        section.key(
            "bias", \.bias, .number(.any), when: taskIs([.linear, .logistic]),
            "the constant term, of the log-odds for logistic")
        section.key(
            "distortion", \.distortion, .number(.notNegative), when: taskIs([.letters]),
            "how much letters vary in place, angle, slant, size and thickness")
        addAlterations(to: &section)
        section.resolve = resolve
        return section
    }

    /// The keys that make any task harder.
    private static func addAlterations(to section: inout SettingsSection<SyntheticDescription>) {
        section.key(
            "label_noise", \.labelNoise, .number(.fraction), when: taskIs(Task.withClasses),
            "the probability that a label is replaced by another class")
        section.optionalKey(
            "class_shares", \.classShares, .numbers, default: "equal", when: taskIs(Task.choosesClassFirst),
            "how frequent each class is, in proportion")
        section.key(
            "redundant", \.redundant, .whole(0),
            "the number of appended features that are linear combinations of the others")
        section.key("irrelevant", \.irrelevant, .whole(0), "the number of appended features that are normal noise")
        section.key(
            "correlation", \.correlation, .number(.belowOne), when: taskIs(Task.correlates),
            "the correlation of any two inputs, by a common factor")
    }

    private static func taskIs(_ tasks: [Task]) -> SettingsCondition<SyntheticDescription> {
        SettingsCondition(
            holds: { tasks.contains($0.task) },
            problem: {
                "not used with task \($0.task.rawValue); it belongs to task \(tasks.map(\.rawValue).alternatives)"
            }, keys: ["task"])
    }

    /// A number, or a list of them.
    private static var hiddenType: SettingsType<[Int]> {
        let number = SettingsType<Int>.whole(1)
        let expectation = "a whole number, 1 or more, or a list of them"
        let list = SettingsType<[Int]>.list(of: number, expectation)
        return SettingsType<[Int]>(
            expectation: expectation,
            read: { value in
                if case .scalar = value.node.content { return number.read(value).map { [$0] } }
                return list.read(value)
            },
            write: { $0.count == 1 ? number.write($0[0]) : list.write($0) })
    }

    private static func resolve(_ value: inout SyntheticDescription, _ reader: SettingsReader) {
        if reader.has("classes"), reader.has("targets"), value.task == .teacher {
            reader.reportKey(
                "targets", "only one of classes (a classification) and targets (a regression) can be given")
        }
        // What is not given has the defaults of the task.
        let usual = SyntheticDescription(
            task: value.task, samples: value.samples, targets: reader.has("targets") ? value.targets : nil)
        if !reader.has("inputs") { value.inputs = usual.inputs }
        if !reader.has("classes") { value.classes = usual.classes }
        if !reader.has("targets") { value.targets = usual.targets }
        if !reader.has("noise") { value.noise = usual.noise }
        if !reader.has("hidden") { value.hidden = usual.hidden }
        if !reader.has("gain") { value.gain = usual.gain }
        guard reader.value.reading.isSound(reader.value.path) else { return }
        do {
            try value.validate()
        } catch {
            let key = error.source.split(separator: ".").last.map(String.init) ?? ""
            reader.report(key, "\(error.problem); \(error.remedy)")
        }
    }

    /// The targets of a regression; nil for a classification.
    private var regressionTargets: Int? {
        get { classes == nil ? targets : nil }
        set { if let newValue { targets = newValue } }
    }

    /// The defaults of `tasks`, such as `64 (teacher), 2 (blobs, spirals, xor)`.
    private static func defaults<Value: Hashable>(
        _ path: KeyPath<SyntheticDescription, Value>, of tasks: [Task] = Task.allCases
    ) -> String {
        defaults(of: tasks) { description in
            let value = description[keyPath: path]
            return (value as? [Int]).map { $0.map { "\($0)" }.joined(separator: ", ") } ?? "\(value)"
        }
    }

    private static func defaults(_ path: KeyPath<SyntheticDescription, Int?>) -> String {
        defaults(of: Task.choosesClasses) { $0[keyPath: path].map(String.init) }
    }

    private static func defaults(of tasks: [Task], _ text: (SyntheticDescription) -> String?) -> String {
        var values: [(text: String, tasks: [String])] = []
        for task in tasks {
            guard let text = text(SyntheticDescription(task: task, samples: 1)) else { continue }
            if let index = values.firstIndex(where: { $0.text == text }) {
                values[index].tasks.append(task.rawValue)
            } else {
                values.append((text, [task.rawValue]))
            }
        }
        return values.map { "\($0.text) (\($0.tasks.joined(separator: ", ")))" }.joined(separator: ", ")
    }
}
