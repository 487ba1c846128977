import Foundation
import GradloomInternals

// Reads a CSV file whose last column is the label, as a training in float32 does, once for every line of the input. Prints
// one JSON object each time: seconds, samples, features, and the sum of all features in float64.

let usage = "usage: read-speed FILE"

guard CommandLine.arguments.count == 2 else {
    FileHandle.standardError.write(Data((usage + "\n").utf8))
    exit(64)  // EX_USAGE of sysexits.h
}
let path = CommandLine.arguments[1]

do {
    while readLine() != nil {
        let clock = ContinuousClock()
        let start = clock.now
        let source = try CSVSource(path: path, options: CSVOptions(label: .index(-1)))
        let conversion = try TargetConversion(from: source, to: .classes(10))
        let data = try Dataset<Float>(source, conversion: conversion)
        let seconds = start.duration(to: clock.now) / .seconds(1)
        var sum = 0.0
        for row in 0..<data.count {
            for column in 0..<data.featureCount { sum += Double(data.inputs[row, column]) }
        }
        print(
            "{\"seconds\": \(seconds), \"samples\": \(data.count), \"features\": \(data.featureCount), \"sum\": \(sum)}"
        )
        fflush(nil)
    }
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(1)
}
