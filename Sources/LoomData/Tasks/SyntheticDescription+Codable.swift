extension SyntheticDescription: Codable {
    enum CodingKeys: String, CodingKey {
        case task, samples, inputs, classes, targets, seed, noise, hidden, activation, gain
        case clusterStd = "cluster_std"
        case centerBox = "center_box"
        case turns, informative, bias, clusters, bits, distortion
        case labelNoise = "label_noise"
        case classShares = "class_shares"
        case redundant, irrelevant, correlation
    }

    /// Reads a description; keys that are missing have the defaults of the initialiser. `hidden` is a number or a list.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func value<Value: Decodable>(_ key: CodingKeys) throws -> Value? {
            try values.decodeIfPresent(Value.self, forKey: key)
        }
        let units = try? value(.hidden) as Int?
        self.init(
            task: try values.decode(Task.self, forKey: .task),
            samples: try values.decode(Int.self, forKey: .samples),
            inputs: try value(.inputs), classes: try value(.classes), targets: try value(.targets),
            seed: try value(.seed) ?? 1, noise: try value(.noise),
            hidden: try units.map { [$0] } ?? value(.hidden), activation: try value(.activation) ?? .tanh,
            gain: try value(.gain), clusterStd: try value(.clusterStd) ?? 1,
            centerBox: try value(.centerBox) ?? [-10, 10], turns: try value(.turns) ?? 1,
            informative: try value(.informative), bias: try value(.bias) ?? 0)
        clusters = try value(.clusters) ?? clusters
        bits = try value(.bits) ?? bits
        distortion = try value(.distortion) ?? distortion
        labelNoise = try value(.labelNoise) ?? labelNoise
        classShares = try value(.classShares)
        redundant = try value(.redundant) ?? redundant
        irrelevant = try value(.irrelevant) ?? irrelevant
        correlation = try value(.correlation) ?? correlation
    }

    /// Writes all values; `activation` and those after `bias` only where they are not the defaults. Whether the task is a regression shows in `classes` or
    /// `targets`, whichever is there.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(task, forKey: .task)
        try values.encode(samples, forKey: .samples)
        try values.encode(inputs, forKey: .inputs)
        if let classes {
            try values.encode(classes, forKey: .classes)
        } else {
            try values.encode(targets, forKey: .targets)
        }
        try values.encode(seed, forKey: .seed)
        try values.encode(noise, forKey: .noise)
        if hidden.count == 1 {
            try values.encode(hidden[0], forKey: .hidden)
        } else {
            try values.encode(hidden, forKey: .hidden)
        }
        try values.encode(gain, forKey: .gain)
        try values.encode(clusterStd, forKey: .clusterStd)
        try values.encode(centerBox, forKey: .centerBox)
        try values.encode(turns, forKey: .turns)
        try values.encodeIfPresent(informative, forKey: .informative)
        try values.encode(bias, forKey: .bias)

        let usual = SyntheticDescription(task: task, samples: samples)
        func encode<Value: Encodable & Equatable>(
            _ path: KeyPath<SyntheticDescription, Value>, _ key: CodingKeys
        ) throws {
            if self[keyPath: path] != usual[keyPath: path] { try values.encode(self[keyPath: path], forKey: key) }
        }
        try encode(\.activation, .activation)
        try encode(\.clusters, .clusters)
        try encode(\.bits, .bits)
        try encode(\.distortion, .distortion)
        try encode(\.labelNoise, .labelNoise)
        try values.encodeIfPresent(classShares, forKey: .classShares)
        try encode(\.redundant, .redundant)
        try encode(\.irrelevant, .irrelevant)
        try encode(\.correlation, .correlation)
    }
}
