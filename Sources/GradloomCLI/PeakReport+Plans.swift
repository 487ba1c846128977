import LoomKernels
import LoomMeasurement

extension PeakMeasurement.Request {
    /// How the products' backend carries `product` out.
    func plan(of product: PeakMeasurement.Product) -> GemmPlanDescription {
        product.planned.shape.operands == .bfloat16
            ? GemmPlanDescription(packed: product.planned.shape)
            : productProvider.describePlan(of: product.planned.shape)
    }
}
