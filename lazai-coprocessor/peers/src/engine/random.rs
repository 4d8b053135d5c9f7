use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};

/// Makes weights of any name and shape, uniform with a variance of `1 / columns`; vectors are near
/// 1, biases near 0.
pub fn weights() -> VarBuilder<'static> {
    VarBuilder::from_backend(Box::new(Random), DType::F32, Device::Cpu)
}

struct Random;

impl SimpleBackend for Random {
    fn get(&self, shape: Shape, name: &str, _: Init, _: DType, device: &Device) -> Result<Tensor> {
        let columns = shape.dims().last().copied().unwrap_or(1);
        let (center, width) = match shape.rank() {
            1 if name.ends_with("bias") => (0.0, 0.01),
            1 => (1.0, 0.25),
            _ => (0.0, (3.0 / columns as f32).sqrt()),
        };
        let mut state =
            name.bytes().fold(1_u64, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte));
        let values: Vec<f32> = (0..shape.elem_count())
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                center + width * ((state >> 40) as f32 / (1 << 23) as f32 - 1.0)
            })
            .collect();
        Tensor::from_vec(values, shape, device)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        candle_core::bail!("the shape of {name} is not known")
    }

    fn contains_tensor(&self, name: &str) -> bool {
        name != "bert"
    }
}
