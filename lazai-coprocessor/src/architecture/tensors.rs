use super::{Architecture, FeedForward, Head, Norm, NormOrder, Positions};

impl Architecture {
    /// Lists every weight of the network by its name in this crate, with its shape, matrices as
    /// `[outputs, inputs]`.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut list = List { architecture: self, tensors: Vec::new() };
        let [hidden, vocabulary] = [self.hidden, self.vocabulary].map(|size| size as usize);
        list.add("embedding".to_owned(), vec![vocabulary, hidden]);
        if self.positions == Positions::Learned {
            list.add("positions".to_owned(), vec![self.context as usize, hidden]);
        }
        if self.norm_order == NormOrder::Post {
            list.norm("embedding_norm".to_owned());
        }
        for layer in 0..self.layers {
            list.layer(layer);
        }
        if self.norm_order == NormOrder::Pre {
            list.norm("final_norm".to_owned());
        }
        if self.head == Head::Own {
            list.add("head".to_owned(), vec![vocabulary, hidden]);
        }
        list.tensors
    }

    /// Counts the weights of all tensors.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        let elements =
            |shape: Vec<usize>| shape.into_iter().map(|size| size as u64).product::<u64>();
        self.tensors().into_iter().map(|(_, shape)| elements(shape)).sum()
    }

    /// Returns the width of all query heads together.
    #[must_use]
    pub const fn query_width(&self) -> u32 {
        self.heads * self.head_dim
    }

    /// Returns the width of all key heads together, which is that of all value heads.
    #[must_use]
    pub const fn kv_width(&self) -> u32 {
        self.kv_heads * self.head_dim
    }
}

struct List<'a> {
    architecture: &'a Architecture,
    tensors: Vec<(String, Vec<usize>)>,
}

impl List<'_> {
    fn layer(&mut self, layer: u32) {
        let Architecture {
            hidden, intermediate, head_dim, biases, feed_forward, head_norm, ..
        } = *self.architecture;
        let (query, kv) = (self.architecture.query_width(), self.architecture.kv_width());
        let name = |part: &str| format!("layers.{layer}.{part}");
        self.norm(name("attention_norm"));
        self.product(name("query"), query, hidden, biases.query_key_value);
        self.product(name("key"), kv, hidden, biases.query_key_value);
        self.product(name("value"), kv, hidden, biases.query_key_value);
        if head_norm {
            self.add(name("query_norm"), vec![head_dim as usize]);
            self.add(name("key_norm"), vec![head_dim as usize]);
        }
        self.product(name("output"), hidden, query, biases.attention_output);
        self.norm(name("mlp_norm"));
        if feed_forward == FeedForward::GatedSilu {
            self.product(name("gate"), intermediate, hidden, biases.feed_forward);
        }
        self.product(name("up"), intermediate, hidden, biases.feed_forward);
        self.product(name("down"), hidden, intermediate, biases.feed_forward);
    }

    fn product(&mut self, name: String, rows: u32, columns: u32, bias: bool) {
        if bias {
            self.add(format!("{name}.bias"), vec![rows as usize]);
        }
        self.add(name, vec![rows as usize, columns as usize]);
    }

    fn norm(&mut self, name: String) {
        let width = vec![self.architecture.hidden as usize];
        if self.architecture.norm == Norm::Layer {
            self.add(format!("{name}.bias"), width.clone());
        }
        self.add(name, width);
    }

    fn add(&mut self, name: String, shape: Vec<usize>) {
        self.tensors.push((name, shape));
    }
}
