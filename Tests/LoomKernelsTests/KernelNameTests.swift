import CKernels
import LoomKernels
import Testing

/// The kernels' names in Swift and in C.
@Suite struct KernelNameTests {
    @Test func activations() {
        let expected: [(ActivationKernel, loom_activation)] = [
            (.identity, LOOM_IDENTITY), (.sigmoid, LOOM_SIGMOID), (.relu, LOOM_RELU), (.reluOne, LOOM_RELU_ONE),
            (.arctan, LOOM_ARCTAN), (.tanh, LOOM_TANH), (.exp, LOOM_EXP), (.softplus, LOOM_SOFTPLUS),
            (.threshold, LOOM_THRESHOLD),
        ]
        #expect(expected.map(\.0) == ActivationKernel.allCases && expected.count == LOOM_ACTIVATION_COUNT.rawValue)
        for (kernel, activation) in expected {
            #expect(kernel.rawValue == activation.rawValue)
            #expect(
                kernel.derivativeNeedsPreActivations
                    == (loom_activation_derivative_source(activation) == LOOM_FROM_PRE_ACTIVATIONS))
        }
    }

    @Test func predictions() {
        let expected: [(PredictionKernel, loom_output_map)] = [
            (.identity, LOOM_OUTPUT_IDENTITY), (.sigmoid, LOOM_OUTPUT_SIGMOID), (.softmax, LOOM_OUTPUT_SOFTMAX),
        ]
        #expect(expected.map(\.0) == PredictionKernel.allCases)
        for (kernel, map) in expected { #expect(kernel.rawValue == map.rawValue) }
    }
}
