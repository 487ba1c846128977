import LoomKernels
import LoomModel

extension Trainer {
    /// Goes back to the state before the first step, with the parameters that the network's description leads to.
    package func beginAnew() {
        parameters.copy(from: network.initialParameters())
        state.first?.fill(0)
        state.second?.fill(0)
        step = 0
        epochSums = LossSums()
    }
}
