import LoomKernels
import LoomMeasurement

extension PeakMeasurement.Request {
    /// How the products' backend carries `product` out.
    func plan(of product: PeakMeasurement.Product) -> GemmPlanDescription {
        productProvider.describePlan(of: product.planned.shape)
    }
}
