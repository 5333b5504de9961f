"""The sub-commands of ``flowvqtalker``, one module each; heavy imports happen inside the commands so that ``--help`` is instant."""
