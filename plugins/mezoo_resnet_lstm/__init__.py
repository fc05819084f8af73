"""ResNet34-LSTM with MFEM and MFFM (Cao, Zhang, 2025): recognises micro-expressions. See README.md."""
