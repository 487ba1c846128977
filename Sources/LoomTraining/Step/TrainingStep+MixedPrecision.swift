import CKernels
import LoomKernels
import LoomModel

/// What the operations of mixed precision do.
extension TrainingStep {
    func beginRegion(worker: Int) { setting.pointee.workers[worker].mixedPrecision?.beginRegion() }

    func endRegion(worker: Int) { setting.pointee.workers[worker].mixedPrecision?.endRegion() }

    @inline(never)
    func performPacked(_ operation: BoundOperation<Scalar>, in context: inout StepContext<Scalar>) {
        guard let network = context.mixedPrecision else { return }
        switch operation {
        case .packedForward(let rows):
            network.forward(
                rows: rows.pointee.rows.range, layers: rows.pointee.layers.range, data: context.data.rebound())
        case .packedBackward(let rows):
            network.backward(rows: rows.pointee.rows.range, layers: rows.pointee.layers.range)
        case .packedGradient(let product):
            network.run(product.pointee)
        case .packedFusedUpdate(let gradient):
            var product = gradient.pointee
            var update = context.weightSettings.cUpdate()
            product.update_rule = setting.pointee.optimizer.rule.kernel(Float.kernels)
            withUnsafePointer(to: &update) {
                product.update = $0
                network.run(product)
            }
        case .packedUpdate(let packed):
            withUnsafePointer(to: packed.pointee.update) { update($0, in: &context) }
            withUnsafePointer(to: packed.pointee.forms) {
                network.pack(packed.pointee.update.weights.rebound(), into: $0)
            }
        default: assertionFailure("other operations are not packed")
        }
    }
}
